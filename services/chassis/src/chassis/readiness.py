"""Whether an instance can do its work now: asked of its connections, not assumed."""

from chassis.extensions import redis_providers
from chassis.inhand import in_hand
from chassis.instance import ADMITTED, DRAINING
from chassis.rpc.connection import RpcConnection
from chassis.stock import HeldQueueConsumer

PING_TIMEOUT = 1  # seconds; well under the balancer's check timeout
STATUS = {True: 200, False: 503}
IDEMPOTENCY = "idempotency"  # the name of a check
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
        faults = {"broker": self._broker(), **{name: _ping(client) for name, client in self._redis.items()}}
        if state != ADMITTED:
            reason = reason or f"The instance is in state {state}."
        else:
            # Without kept answers what carries no key is answered as ever, and the other instances have none either.
            reason = next((fault for name, fault in faults.items() if fault and name != IDEMPOTENCY), "")
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


def _ping(client):
    from redis import RedisError

    try:
        client.ping()
    except RedisError as error:
        return f"Redis does not answer: {error}"
    return ""


def _redis_clients(container):
    """A client for each Redis that the service uses, by the name of its check; apart from the service's own, which
    may be busy.
    """
    keys = {f"redis {provider.key}": provider.key for provider in redis_providers(container)}
    if "redis redis" not in keys and any(getattr(one, "idempotent", False) for one in container.extensions):
        keys[IDEMPOTENCY] = "redis"
    if not keys:
        return {}
    from redis import Redis

    from chassis.redis import OPTIONS

    bounded = {**OPTIONS, "socket_timeout": PING_TIMEOUT, "socket_connect_timeout": PING_TIMEOUT}
    uris = container.config.get("REDIS_URIS", {})
    # One that is missing is told by what needs it, at the start.
    return {name: Redis.from_url(uris[key], **bounded) for name, key in keys.items() if key in uris}
