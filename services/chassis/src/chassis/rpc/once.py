"""`@rpc(once=True)`: a call that comes again is answered with the result that it gave the first time.

The result is kept in Redis under the call's id. What that gives: a call whose caller repeats it, or that RabbitMQ
delivers again, has its effect once, wherever the repeat arrives. What it costs: two commands to Redis for each call.
What it can't give: a process that dies between the effect and the keeping of its result leaves a mark behind; the call
is done again once the mark has expired. Where that matters, let the effect itself carry the call's id
(`chassis.calls.Call`).
"""

import json
import time

import eventlet
from nameko.exceptions import ConfigurationError, deserialize, serialize

from chassis.errors import RpcTimeout, ServiceError, Unavailable
from chassis.extensions import redis_providers
from chassis.redis import redis_errors

KEPT = 3600  # seconds that a result is kept: longer than RabbitMQ may deliver a call again
LEASE = 60  # seconds after which a call whose process died may be done by another
LOOK = 0.05  # seconds between two looks at what another process is doing
RUNNING = "running"


class Once:
    """Results of calls, kept in the service's first Redis."""

    def __init__(self, container, provider):
        self._service, self._provider = container.service_name, provider
        self._lease = max(LEASE, 2 * container.config.get("RPC_TIMEOUT", 0))

    @classmethod
    def of(cls, container):
        """For a container's service. `ConfigurationError` if that has no Redis."""
        providers = redis_providers(container)
        if not providers:
            raise ConfigurationError(
                f"{container.service_name} has a method with once=True, whose results are kept in Redis: give the "
                'service a `redis = Redis("redis")` from chassis.redis.'
            )
        return cls(container, providers[0])

    def result(self, worker_ctx, call):
        """Return what `call()` returns or raise what it raises; of a call that was made before, from what is kept."""
        key = f"once:{self._service}:{worker_ctx.call_id}"
        give_up = getattr(worker_ctx, "until", None) or time.monotonic() + self._lease
        while True:
            with redis_errors():
                kept = self._provider.client.set(key, RUNNING, nx=True, get=True, ex=self._lease)
            if kept is None:
                return self._first(key, call)
            if kept != RUNNING:
                return _outcome(json.loads(kept))
            if time.monotonic() > give_up:
                raise Unavailable("The same call is being done by another process.")
            eventlet.sleep(LOOK)

    def _first(self, key, call):
        try:
            result = call()
        except ServiceError as error:
            # What the caller did wrong stays wrong; whatever else went wrong may go well the next time.
            if isinstance(error, Unavailable | RpcTimeout):
                self._forget(key)
            else:
                self._keep(key, {"error": serialize(error)})
            raise
        except Exception:
            self._forget(key)
            raise
        self._keep(key, {"result": result})
        return result

    def _keep(self, key, outcome):
        with redis_errors():
            self._provider.client.set(key, json.dumps(outcome), ex=KEPT)

    def _forget(self, key):
        with redis_errors():
            self._provider.client.delete(key)


def _outcome(kept):
    if "error" in kept:
        raise deserialize(kept["error"])
    return kept["result"]
