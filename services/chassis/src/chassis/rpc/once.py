"""`@rpc(once=True)`: a call that comes again is answered with the result that it gave the first time.

The result is kept in Redis under the call's id. What that gives: a call whose caller repeats it, or that RabbitMQ
delivers again, has its effect once, wherever the repeat arrives. What it costs: two commands to Redis for each call,
of which the replicas acknowledge the second. What it can't give: a process that dies between the effect and the keeping
of its result leaves a mark behind; the call is done again once the mark has expired. And a mark that Redis loses, with
its primary, is missing. Where that matters, let the effect itself carry the call's id (`chassis.calls.Call`).
"""

import time
from contextlib import contextmanager, suppress

import eventlet
from eventlet import hubs
from kombu.utils.json import dumps as _encode
from kombu.utils.json import loads as _decode
from nameko.exceptions import ConfigurationError, UnserializableValueError, deserialize, serialize

from chassis.errors import ENDS, RpcTimeout, ServiceError, Unavailable
from chassis.extensions import redis_providers
from chassis.redis import Redis, redis_errors, run_acknowledged
from chassis.settings import whole_number_setting

KEPT = 25 * 3600  # seconds that a result is kept: longer than an Idempotency-Key is known, so than any call is repeated
LEASE = 60  # seconds after which a call whose process died may be done by another
RENEWED = 20  # seconds between two renewals of the lease, while the process lives and does the call
LOOK = 0.05  # seconds between two looks at what another process is doing
RUNNING = "running"

# KEYS: the call's key. ARGV: the outcome, seconds that it is kept.
_KEEP = "redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])"

# KEYS: the call's key. ARGV: RUNNING, seconds. A result that came meanwhile is kept for its own time.
_RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('EXPIRE', KEYS[1], ARGV[2]) end"


class Once:
    """Results of calls, kept in the service's first Redis."""

    def __init__(self, container, provider):
        self._service, self._provider = container.service_name, provider
        self._replicas = whole_number_setting(container.config, "REDIS_REPLICAS", 0)

    @classmethod
    def of(cls, container):
        """For a container's service. `ConfigurationError` if that has no Redis of `chassis.redis`."""
        providers = [one for one in redis_providers(container) if isinstance(one, Redis)]
        if not providers:
            raise ConfigurationError(
                f"{container.service_name} has a method with once=True, whose results are kept in Redis: give the "
                'service a `redis = Redis("redis")` from chassis.redis.'
            )
        return cls(container, providers[0])

    def result(self, worker_ctx, call):
        """Return what `call()` returns or raise what it raises; of a call that was made before, from what is kept."""
        key = f"once:{self._service}:{worker_ctx.call_id}"
        give_up = getattr(worker_ctx, "until", None) or time.monotonic() + LEASE
        while True:
            with redis_errors():
                kept = self._provider.client.set(key, RUNNING, nx=True, get=True, ex=LEASE)
            if kept is None:
                return self._first(key, call)
            kept = kept.decode() if isinstance(kept, bytes) else kept  # as the service has its Redis answer
            if kept != RUNNING:
                return _outcome(_decode(kept))
            if time.monotonic() > give_up:
                raise Unavailable("The same call is being done by another process.")
            eventlet.sleep(LOOK)

    def _first(self, key, call):
        try:
            with self._renewed(key):
                result = call()
        except ENDS:
            raise  # nobody knows how far it came
        except ServiceError as error:
            # What the caller did wrong stays wrong; whatever else went wrong may go well the next time.
            if isinstance(error, Unavailable | RpcTimeout):
                self._forget(key)
            else:
                self._keep(key, _encode({"error": serialize(error)}))
            raise
        except BaseException:
            self._forget(key)
            raise
        try:
            kept = _encode({"result": result})
        except Exception as error:
            # It is done, and is not to be done again: a repeat gets the same error.
            unserializable = UnserializableValueError(result)
            self._keep(key, _encode({"error": serialize(unserializable)}))
            raise unserializable from error
        self._keep(key, kept)
        return result

    @contextmanager
    def _renewed(self, key):
        """Keep the mark in the block, however long that takes: its caller may have given up, and call again."""
        schedule = hubs.get_hub().schedule_call_global

        def renew():
            nonlocal timer
            timer = schedule(RENEWED, renew)
            eventlet.spawn_n(self._renew, key)  # which may wait, as the hub must not

        timer = schedule(RENEWED, renew)
        try:
            yield
        finally:
            timer.cancel()

    def _renew(self, key):
        with suppress(Unavailable), redis_errors():
            self._provider.client.eval(_RENEW, 1, key, RUNNING, LEASE)

    def _keep(self, key, outcome):
        run_acknowledged(self._provider.client, _KEEP, [key], [outcome, KEPT], self._replicas)

    def _forget(self, key):
        with redis_errors():
            self._provider.client.delete(key)


def _outcome(kept):
    if "error" in kept:
        raise deserialize(kept["error"])
    return kept["result"]
