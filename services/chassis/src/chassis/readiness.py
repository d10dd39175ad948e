"""Whether an instance can do its work now: asked of its connections, not assumed."""

from chassis.extensions import redis_providers
from chassis.inhand import in_hand
from chassis.instance import ADMITTED, DRAINING
from chassis.rpc.connection import RpcConnection
from chassis.stock import HeldQueueConsumer

PING_TIMEOUT = 1  # seconds; well under the balancer's check timeout
STATUS = {True: 200, False: 503}
STATUS_DRAINING = 404  # HAProxy's `disable-on-404` then lets requests in flight finish


class Readiness:
    """The checks of one container. Each returns the reason why it fails, or an empty text."""

    def __init__(self, container, instance):
        self._container = container
        self._instance = instance
        self._redis = _redis_clients(container)

    def report(self):
        """Return the HTTP status of `/ready` and its body: 200 if calls may come, else 503 or 404 with why."""
        state, reason = self._instance.state()
        faults = {"broker": self._broker(), **{f"redis {key}": self._ping(key) for key in self._redis}}
        if state != ADMITTED:
            reason = reason or f"The instance is in state {state}."
        else:
            reason = next(filter(None, faults.values()), "")
        taking = self._container.taking
        if not taking:
            reason = reason or "The instance does not take calls yet, or is about to end."
        calls, number = in_hand(self._container)
        checks = {name: fault or "ok" for name, fault in faults.items()}
        body = {"ready": not reason, "state": state, "checks": checks}
        body |= {"taking": taking, "in_hand": number, "calls": calls}
        if reason:
            body["reason"] = reason
        return STATUS_DRAINING if state == DRAINING else STATUS[not reason], body

    def _broker(self):
        """RPC has one connection, as callee and caller; events have Nameko's `QueueConsumer`."""
        for extension in self._container.extensions:
            if isinstance(extension, RpcConnection) and extension.link.connection is None:
                return "Not connected to RabbitMQ."
            if isinstance(extension, RpcConnection) and extension.link.blocked:
                return f"RabbitMQ takes no messages: {extension.link.blocked}"
            if isinstance(extension, HeldQueueConsumer) and not extension.connected:
                return "Not connected to RabbitMQ."
        return ""

    def _ping(self, key):
        from redis import RedisError

        try:
            self._redis[key].ping()
        except RedisError as error:
            return f"Redis does not answer: {error}"
        return ""


def _redis_clients(container):
    """A client for each Redis that the service uses, apart from the service's own, which may be busy."""
    providers = redis_providers(container)
    if not providers:
        return {}
    from redis import Redis

    from chassis.redis import OPTIONS

    bounded = {**OPTIONS, "socket_timeout": PING_TIMEOUT, "socket_connect_timeout": PING_TIMEOUT}
    uris = container.config["REDIS_URIS"]
    return {provider.key: Redis.from_url(uris[provider.key], **bounded) for provider in providers}
