"""What changes trips in Redis: one Lua script each, so that nothing comes between its reads and writes.

The fleet has one Redis primary and no Redis Cluster, so a script may touch any key. Keys that it writes are
declared in KEYS, but for those that it finds in what it reads. Those that it only reads, of another service, are
named in ARGV: Redis takes every key that EVAL declares for one that is written, and would refuse it to a user who may
only read it. It still checks each command in the script against the user's key patterns.

The same call may arrive again. It then finds what it did before and writes something all the same, if nothing new:
`WAIT`, which follows each script, only counts the replicas that have what its own connection wrote.
"""

# KEYS: trip:ID, trips:sequence, trips:index, airport-trips:FROM, airport-trips:TO, trip:deleted:ID.
# ARGV: ID, FROM, TO, airport:FROM, airport:TO (both of the airports service), seconds for a tombstone.
CREATE = """
if redis.call('EXPIRE', KEYS[6], ARGV[6]) == 1 then return 'deleted since' end
local there = redis.call('HMGET', KEYS[1], 'from', 'to')
if there[1] then
    if there[1] ~= ARGV[2] or there[2] ~= ARGV[3] then return 'another' end
elseif redis.call('EXISTS', ARGV[4], ARGV[5]) < 2 then
    return 'unknown airport'
end
redis.call('HSET', KEYS[1], 'from', ARGV[2], 'to', ARGV[3])
if there[1] then return 'repeated' end
redis.call('ZADD', KEYS[3], redis.call('INCR', KEYS[2]), ARGV[1])
redis.call('SADD', KEYS[4], ARGV[1])
redis.call('SADD', KEYS[5], ARGV[1])
return 'created'
"""

# KEYS: trip:ID, trips:index, trip:deleted:ID. ARGV: ID, the call's id, seconds for a tombstone.
DELETE = """
local trip = redis.call('HMGET', KEYS[1], 'from', 'to')
if not trip[1] then
    if redis.call('GET', KEYS[3]) ~= ARGV[2] then return 'unknown' end
    redis.call('EXPIRE', KEYS[3], ARGV[3])
    return 'deleted'
end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('SREM', 'airport-trips:' .. trip[1], ARGV[1])
redis.call('SREM', 'airport-trips:' .. trip[2], ARGV[1])
redis.call('SET', KEYS[3], ARGV[2], 'EX', ARGV[3])
return 'deleted'
"""
