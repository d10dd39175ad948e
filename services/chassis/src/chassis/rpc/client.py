"""Calls to other services: each ends with a result, an error, or its deadline."""

import hashlib

from nameko.extensions import SharedExtension
from nameko.rpc import RpcProxy as NamekoRpcProxy

from chassis.rpc.caller import Caller, RpcReply
from chassis.rpc.connection import RpcConnection
from chassis.rpc.deadline import checked_timeout

__all__ = ["MethodProxy", "ReplyListener", "RpcProxy", "RpcReply", "ServiceProxy"]


class ReplyListener(SharedExtension):
    """The container's `Caller`."""

    connection = RpcConnection()
    caller = None

    def setup(self):
        self.caller = Caller(self.connection.link, self.container.config, self.container.service_name)


class RpcProxy(NamekoRpcProxy):
    """Drop-in for `nameko.rpc.RpcProxy`.

    Args:
        target_service: the `name` of the service's class.
        timeout: seconds for each call, instead of the setting RPC_TIMEOUT.
        retry: whether a call that may have been lost with its connection is sent again, under the same id (it is
            unless said). RabbitMQ may deliver any call twice; this makes it likelier.
        repeat_after: seconds without a reply after which a call is sent again under the same id, instead of the
            setting RPC_REPEAT_AFTER; for services whose methods may be repeated and answer faster.
            Not without `retry`.
        serializer: of the arguments, instead of the setting `serializer`.
    """

    rpc_reply_listener = ReplyListener()

    def __init__(self, target_service, *, timeout=None, retry=True, repeat_after=None, serializer=None):
        super().__init__(target_service)
        if repeat_after is not None and not retry:
            raise ValueError("A call with retry=False is sent once: leave repeat_after out, or retry.")
        self.call_options = {
            "timeout": None if timeout is None else checked_timeout(timeout),
            "retry": retry,
            "repeat_after": None if repeat_after is None else checked_timeout(repeat_after),
            "serializer": serializer,
        }

    def get_dependency(self, worker_ctx):
        return ServiceProxy(worker_ctx, self.target_service, self.rpc_reply_listener.caller, self.call_options)


class ServiceProxy:
    """Another service: its methods are attributes."""

    def __init__(self, worker_ctx, service_name, caller, options):
        self.worker_ctx, self.service_name = worker_ctx, service_name
        self._caller, self._options = caller, options

    def __getattr__(self, name):
        return MethodProxy(self.worker_ctx, self.service_name, name, self._caller, self._options)


class MethodProxy:
    """A method of another service: call it, or `call_async` it and ask for the `result` later."""

    def __init__(self, worker_ctx, service_name, method_name, caller, options):
        self.worker_ctx, self.service_name, self.method_name = worker_ctx, service_name, method_name
        self._caller, self._options = caller, options

    def using(self, *, timeout=None, call_id=None):
        """The same method, for one call with a `timeout` in seconds, or under an id that you choose.

        A call that is made again under the same id, with the same arguments, is the same call to a service that
        tells repeats by it (`chassis.calls.Call`, `@rpc(once=True)`).
        """
        options = dict(self._options)
        if timeout is not None:
            options["timeout"] = checked_timeout(timeout)
        if call_id is not None:
            options["call_id"] = str(call_id)
        return MethodProxy(self.worker_ctx, self.service_name, self.method_name, self._caller, options)

    def __call__(self, *args, **kwargs):
        return self.call_async(*args, **kwargs).result()

    def call_async(self, *args, **kwargs):
        """Send the call, and return its `RpcReply` without waiting for it."""
        worker_ctx, options = self.worker_ctx, self._options
        # Attributes that entrypoints of the chassis set. Whatever is in a worker's data goes on to others, by events
        # and by Nameko's own proxies too, and would make one call of those that different workers make.
        key = getattr(worker_ctx, "repeat_key", None)
        if key is not None and "call_id" not in options:
            options = self._repeatable(key, args, kwargs)
        until, context = getattr(worker_ctx, "until", None), worker_ctx.context_data
        return self._caller.call(self.service_name, self.method_name, args, kwargs, context, options, until)

    def _repeatable(self, key, args, kwargs):
        """An id that this call gets again when its worker's own call is repeated.

        Of calls that are alike in all else the second has another one. One that differs in its arguments, as it may
        when the worker finds the world changed, is another call.
        """
        same = f"{self.service_name}.{self.method_name}{args!r}{kwargs!r}"
        made = self.worker_ctx.__dict__.setdefault("_calls_made", {})
        made[same] = number = made.get(same, 0) + 1
        digest = hashlib.blake2b(f"{key}/{number}/{same}".encode("utf-8", "backslashreplace"), digest_size=16)
        return {**self._options, "call_id": digest.hexdigest()}

    def __repr__(self):
        return f"<proxy method: {self.service_name}.{self.method_name}>"
