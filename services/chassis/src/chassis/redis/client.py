"""redis-py's client on shared connections."""

import redis
from eventlet.greenio import GreenSocket
from redis.client import NEVER_DECODE

from chassis.redis.acknowledged import AcknowledgedWrites
from chassis.redis.lane import Lane

# What would hold up, or change, a connection that others use too; it gets one of its own from redis-py's pool.
# Groups as in https://redis.io/docs/latest/commands/.
_BLOCKING = "BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN WAIT WAITAOF XREAD XREADGROUP"
_CONNECTION = "ASKING AUTH CLIENT HELLO QUIT READONLY READWRITE RESET SELECT"
_PUBSUB = "PSUBSCRIBE PUNSUBSCRIBE SSUBSCRIBE SUBSCRIBE SUNSUBSCRIBE UNSUBSCRIBE"
_TRANSACTIONS = "DISCARD EXEC MULTI UNWATCH WATCH"
_SERVER = "DEBUG FAILOVER HIMPORT MONITOR PSYNC REPLCONF SHUTDOWN SYNC"
OWN_CONNECTION = frozenset(" ".join((_BLOCKING, _CONNECTION, _PUBSUB, _TRANSACTIONS, _SERVER)).split())


class _GreenConnection(redis.Connection):
    """Waits in the greenlet alone, also in a process that eventlet has not patched: one that tests, or a script."""

    def _connect(self):
        sock = super()._connect()
        return sock if isinstance(sock, GreenSocket) else GreenSocket(sock)


class Client(redis.Redis):
    """As redis-py's, of which it is a subclass, with one connection for the commands of all greenlets.

    Pipelines, transactions, subscriptions and commands that block take connections of their own, as redis-py has it.
    It serves the greenlets of one thread, as a service's are.
    """

    def __init__(self, *args, **options):
        self._lane = self._writes = None
        self._lanes = []
        super().__init__(*args, **options)

    @classmethod
    def from_url(cls, url, **options):
        """As redis-py's."""
        if url.startswith("redis://"):  # others have a class of connection of their own
            options.setdefault("connection_class", _GreenConnection)
        return super().from_url(url, **options)

    def execute_command(self, *args, **options):
        name = args[0]
        if NEVER_DECODE in options or self.connection or name.split(" ", 1)[0].upper() in OWN_CONNECTION:
            return super().execute_command(*args, **options)
        if self._lane is None:
            self._lane = self._new_lane()
        return self.parse_response(_Answered(*self._lane.ask(args)), name, **options)

    def run_acknowledged(self, command, replicas):
        """See `chassis.redis.run_acknowledged`."""
        if self._writes is None:
            self._writes = AcknowledgedWrites(self._new_lane())
        # Here, where it raises for what can't be sent, rather than in a group with the writes of others.
        encode = self.connection_pool.get_encoder().encode
        return self._writes.run([encode(part) for part in command], replicas)

    def close(self):
        """As redis-py's."""
        for lane in self._lanes:
            lane.close()
        super().close()

    def _new_lane(self):
        pool = self.connection_pool
        self._lanes.append(Lane(pool, pool.connection_kwargs.get("socket_timeout")))
        return self._lanes[-1]


class _Answered:
    """An answer in the shape of the connection that `parse_response` would read it from."""

    def __init__(self, answer):
        self._answer = answer

    def read_response(self):
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer
