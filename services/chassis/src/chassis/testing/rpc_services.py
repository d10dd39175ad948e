"""Services that the tests of RPC start with `nameko run`: on the chassis or, with RPC_STACK=stock, on stock Nameko.

Nothing else in them differs, so what their callers see must be the same.
"""

import os
from pathlib import Path

import eventlet
from nameko.exceptions import deserialize_to_instance
from nameko.extensions import DependencyProvider
from nameko.utils import get_redacted_args

STACK = os.environ.get("RPC_STACK", "chassis")
if STACK == "stock":
    from nameko.rpc import RpcProxy, rpc
else:
    from chassis.rpc import RpcProxy, rpc


@deserialize_to_instance
class Refused(Exception):  # noqa: N818 - as those of chassis.errors
    """An error that callers get as what it is."""


class Worker(DependencyProvider):
    """What Nameko knows of a call."""

    def get_dependency(self, worker_ctx):
        return worker_ctx


class Target:
    """What is called."""

    name = f"{STACK}_target"
    worker = Worker()

    @rpc
    def echo(self, *args, **kwargs):
        return [list(args), kwargs]

    @rpc
    def add(self, one, other=2):
        return one + other

    @rpc
    def size(self, text):
        return len(text)

    @rpc
    def wait(self, seconds):
        eventlet.sleep(seconds)
        return seconds

    @rpc
    def refuse(self, reason):
        raise Refused(reason)

    @rpc
    def divide(self):
        return 1 / 0

    @rpc
    def unserializable(self):
        return object()

    @rpc(expected_exceptions=KeyError)
    def expected(self):
        raise KeyError("expected of it")

    @rpc
    def context(self):
        return {"data": self.worker.data, "stack": self.worker.call_id_stack, "id": self.worker.call_id}

    @rpc(sensitive_arguments="password")
    def log_in(self, user, password):
        del user, password
        worker = self.worker
        return get_redacted_args(worker.entrypoint, *worker.args, **worker.kwargs)

    @rpc
    def count(self, mark, seconds):
        """Leave a line in the file that the environment's COUNT names, then take some time."""
        with Path(os.environ["COUNT"]).open("a") as file:
            file.write(f"{self.worker.call_id} {mark}\n")
        eventlet.sleep(seconds)
        return mark


class Front:
    """What calls."""

    name = f"{STACK}_front"
    worker = Worker()
    chassis_target = RpcProxy("chassis_target")
    stock_target = RpcProxy("stock_target")
    chassis_pickle = RpcProxy("chassis_target", serializer="pickle")
    stock_pickle = RpcProxy("stock_target", serializer="pickle")
    nobody = RpcProxy("nobody_service")

    @rpc
    def call(self, target, method, args, kwargs):
        """Call, and tell what the caller saw."""
        try:
            return {"result": getattr(getattr(self, target), method)(*args, **kwargs)}
        except Exception as error:  # noqa: BLE001 - to be told
            cls = type(error)
            seen = {"class": f"{cls.__module__}.{cls.__name__}", "text": str(error)}
            return {"error": seen | {name: getattr(error, name) for name in ("exc_type",) if hasattr(error, name)}}

    @rpc
    def call_all(self, target, many):
        """Call many times at once, and return the results in the order of the calls."""
        replies = [getattr(self, target).add.call_async(number, other=0) for number in range(many)]
        return [reply.result() for reply in reversed(replies)][::-1]

    @rpc
    def stack(self, target):
        """The call id stacks of this and of the call it makes."""
        return self.worker.call_id_stack, getattr(self, target).context()["stack"]

    @rpc
    def type_of(self, target, method):
        """The type that a tuple has become on its way there and back."""
        return type(getattr(getattr(self, target), method)(("a",))[0][0]).__name__
