"""The `rpc` entrypoint: calls that RabbitMQ delivers, each answered before it is acknowledged."""

import inspect
import logging
import time
from functools import partial

from nameko.exceptions import ConfigurationError, ContainerBeingKilled, MalformedRequest, MethodNotFound
from nameko.extensions import SharedExtension
from nameko.rpc import RPC_QUEUE_TEMPLATE
from nameko.rpc import Rpc as NamekoRpc

from chassis import metrics
from chassis.errors import RpcTimeout, text_of
from chassis.rpc.connection import RpcConnection
from chassis.rpc.deadline import seconds_text
from chassis.rpc.requests import Requests

_log = logging.getLogger(__name__)


class RpcConsumer(SharedExtension):
    """Takes the calls of a container's service and hands each to the entrypoint of its method."""

    connection = RpcConnection()
    _requests = None

    def __init__(self):
        self._methods, self._takes = {}, True
        super().__init__()

    def register_provider(self, provider):
        """Have calls of the provider's method handed to it."""
        self._methods[provider.method_name] = provider
        if self._requests is None:
            container, instance = self.container, getattr(self.container, "instance", None)
            self._requests = Requests(
                self.connection.link,
                container.config,
                queue=RPC_QUEUE_TEMPLATE.format(container.service_name),
                routing_key=f"{container.service_name}.*",
                address=instance and instance.id,
                takes=self._takes,
                limit=container.max_workers,
                free=lambda: container._worker_pool.free(),
                begin=self._begin,
            )

    def take(self, takes):
        """Take calls from the service's queue from now on, or leave them to other instances."""
        self._takes = takes  # it may not be set up yet
        if self._requests:
            self._requests.take(takes)

    @property
    def taking(self):
        """Whether calls from the service's queue come."""
        return self._requests is not None and self._requests.taking

    @property
    def in_hand(self):
        """The calls that were taken and are not acknowledged: method, id of the call, seconds."""
        if self._requests is None:
            return []
        now = time.monotonic()
        names = [(key.rpartition(".")[2], call_id, now - came) for key, call_id, came in self._requests.in_hand]
        return [(method, call_id and self.call_id(method, call_id), seconds) for method, call_id, seconds in names]

    def call_id(self, method, caller_id):
        """The id under which a call is worked on: the same whenever it is delivered again."""
        return f"{self.container.service_name}.{method}.{caller_id}"

    def stop_taking(self):
        """Take no more calls, from whatever queue; returns when those that were taken have their workers."""
        self._requests.stop()

    def _begin(self, request):
        try:
            method = request.routing_key.rpartition(".")[2]
            if method not in self._methods:
                raise MethodNotFound(method)
            self._methods[method].handle(request)
        except ContainerBeingKilled:
            request.requeue()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a call is the caller's to know
            self._refuse(method, request, error)

    def _refuse(self, method, request, error):
        """Answer a call that no worker begins, which nobody else would log."""
        outcome = type(error).__name__
        metrics.served(method if method in self._methods else "unknown", outcome)
        instance = getattr(self.container, "instance", None)
        extra = {
            **(instance.identity if instance else {}),
            "event": "call_refused",  # not a call's, which somebody has worked on
            "method": method,
            "outcome": outcome,
            "error": text_of(error),
            "call_id": request.call_id and self.call_id(method, request.call_id),
            "request_id": request.context_data.get("request_id"),
        }
        _log.warning("%s.%s: %s", self.container.service_name, method, outcome, extra=extra)
        request.answer(None, error)


class Rpc(NamekoRpc):
    """A method that other services call.

    Args:
        once: keep the result in the service's Redis, so that a call that comes again under the same id is answered
            with it and not done again (`chassis.rpc.once`).
        expected_exceptions: errors that callers cause, as Nameko's.
        sensitive_arguments: as Nameko's.
    """

    rpc_consumer = RpcConsumer()
    once = None
    _signature_found = None

    def __init__(self, once=False, **options):
        self._keeps, self._fitting = once, set()  # numbers of arguments that the method was found to take
        super().__init__(**options)

    def setup(self):
        if self._keeps:
            if not hasattr(self.container, "readiness"):
                raise ConfigurationError("once=True needs SERVICE_CONTAINER_CLS: chassis.container.ServiceContainer.")
            from chassis.rpc.once import Once  # needs redis, which only services that use it have installed

            self.once = Once.of(self.container)
        self.rpc_consumer.register_provider(self)

    def stop(self):
        self.rpc_consumer.stop_taking()

    def check_signature(self, args, kwargs):
        # Whether arguments fit depends on how many there are, and on the names of the others.
        if not kwargs and len(args) in self._fitting:
            return
        try:
            self._signature().bind(None, *args, **kwargs)  # in place of `self`
        except TypeError:
            super().check_signature(args, kwargs)  # slower; raises it in Nameko's words
            raise
        if not kwargs:
            self._fitting.add(len(args))

    def _signature(self):
        if self._signature_found is None:
            method = getattr(self.container.service_cls, self.method_name)
            # Of a decorated method what the decorator takes, as in Nameko.
            self._signature_found = inspect.signature(method, follow_wrapped=False)
        return self._signature_found

    def handle(self, request):
        """Have a worker do a request. Raises what is wrong with it."""
        body = request.decode()
        if not isinstance(body, dict) or not isinstance(body.get("args"), list | tuple):
            raise MalformedRequest("Message missing `args` or `kwargs`")
        if not isinstance(body.get("kwargs"), dict):
            raise MalformedRequest("Message missing `args` or `kwargs`")
        self.check_signature(body["args"], body["kwargs"])
        worker_ctx = self.container.spawn_worker(
            self,
            body["args"],
            body["kwargs"],
            context_data=request.context_data,
            handle_result=partial(self.handle_result, request),
        )
        # The worker has not begun yet: it does when this greenlet waits.
        worker_ctx.until = request.until
        if request.late:
            # It waited for its worker, after it was taken. Containers call whatever they find under this name.
            metrics.too_late(self.method_name)
            setattr(worker_ctx.service, self.method_name, partial(self._refuse, request))
        if request.call_id:
            # Where Nameko would invent one each time.
            worker_ctx._call_id = self.rpc_consumer.call_id(self.method_name, request.call_id)
            worker_ctx.repeat_key = worker_ctx._call_id

    def invoke(self, worker_ctx, method):
        """Call the method, or give the result that it gave for this call before."""
        call = partial(method, *worker_ctx.args, **worker_ctx.kwargs)
        return self.once.result(worker_ctx, call) if self.once else call()

    def _refuse(self, request, /, *_args, **_kwargs):
        name, seconds = f"{self.container.service_name}.{self.method_name}", seconds_text(request.until - request.came)
        raise RpcTimeout(f"{name} was not begun within {seconds}: nobody waits for it.")

    def handle_result(self, request, worker_ctx, result, exc_info):
        del worker_ctx
        return request.answer_worker(result, exc_info)


rpc = Rpc.decorator
