"""What changes trips in Redis: one Lua script each, so that nothing comes between its reads and writes.

The fleet has one Redis primary and no Redis Cluster, so a script may touch any key. Keys that it writes are
declared in KEYS. Those that it only reads, of another service, are named in ARGV: Redis takes every key that EVAL
declares for one that is written, and would refuse it to a user who may only read it. It still checks each
command in the script against the user's key patterns.
"""

# KEYS: trip:ID, trips:sequence, trips:index, airport-trips:FROM, airport-trips:TO.
# ARGV: ID, FROM, TO, airport:FROM, airport:TO (both of the airports service).
CREATE = """
if redis.call('EXISTS', ARGV[4], ARGV[5]) < 2 then return 'unknown airport' end
redis.call('HSET', KEYS[1], 'from', ARGV[2], 'to', ARGV[3])
redis.call('ZADD', KEYS[3], redis.call('INCR', KEYS[2]), ARGV[1])
redis.call('SADD', KEYS[4], ARGV[1])
redis.call('SADD', KEYS[5], ARGV[1])
return 'created'
"""

# KEYS: trip:ID, trips:index, airport-trips:FROM, airport-trips:TO. ARGV: ID.
DELETE = """
if redis.call('DEL', KEYS[1]) == 0 then return 'unknown' end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('SREM', KEYS[3], ARGV[1])
redis.call('SREM', KEYS[4], ARGV[1])
return 'deleted'
"""
