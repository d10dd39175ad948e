"""What changes airports in Redis: one Lua script each, so that nothing comes between its reads and writes.

The fleet has one Redis primary and no Redis Cluster, so a script may touch any key. Keys that it writes are
declared in KEYS. One that it only reads, of another service, is named in ARGV: Redis takes every declared key
of EVAL for one that is written, and would refuse it to a user who may only read it. It still checks each
command in the script against the user's key patterns.

The same call may arrive again. It then finds what it did before and writes something all the same, if nothing new:
`WAIT`, which follows each script, only counts the replicas that have what its own connection wrote.
"""

# KEYS: airport:ID, airports:sequence, airports:index, airport:deleted:ID. ARGV: ID, name, seconds for a tombstone.
CREATE = """
if redis.call('EXPIRE', KEYS[4], ARGV[3]) == 1 then return 'deleted since' end
local there = redis.call('GET', KEYS[1])
if there and there ~= ARGV[2] then return 'another' end
redis.call('SET', KEYS[1], ARGV[2])
if there then return 'repeated' end
redis.call('ZADD', KEYS[3], redis.call('INCR', KEYS[2]), ARGV[1])
return 'created'
"""

# KEYS: airport:ID, airports:index, airport:deleted:ID.
# ARGV: ID, airport-trips:ID (of the trips service), the call's id, seconds for a tombstone.
DELETE = """
if redis.call('EXISTS', KEYS[1]) == 0 then
    if redis.call('GET', KEYS[3]) ~= ARGV[3] then return 'unknown' end
    redis.call('EXPIRE', KEYS[3], ARGV[4])
    return 'deleted'
end
if redis.call('EXISTS', ARGV[2]) == 1 then return 'in use' end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('SET', KEYS[3], ARGV[3], 'EX', ARGV[4])
return 'deleted'
"""
