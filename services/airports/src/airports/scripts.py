"""What changes airports in Redis: one Lua script each, so that nothing comes between its reads and writes.

The fleet has one Redis primary and no Redis Cluster, so a script may touch any key. Keys that it writes are
declared in KEYS. One that it only reads, of another service, is named in ARGV: Redis takes every declared key
of EVAL for one that is written, and would refuse it to a user who may only read it. It still checks each
command in the script against the user's key patterns.
"""

# KEYS: airport:ID, airports:sequence, airports:index. ARGV: ID, name.
CREATE = """
redis.call('SET', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[3], redis.call('INCR', KEYS[2]), ARGV[1])
"""

# KEYS: airport:ID, airports:index. ARGV: ID, airport-trips:ID (of the trips service).
DELETE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 'unknown' end
if redis.call('EXISTS', ARGV[2]) == 1 then return 'in use' end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 'deleted'
"""
