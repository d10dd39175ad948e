"""The container that Nameko runs a service in, through its SERVICE_CONTAINER_CLS setting.

It adds, without a line in the service: an HTTP listener with /health and /ready that needs no worker, one log
line a call, errors that callers cause logged as such, and obedience to the instance's state file.
"""

import logging
import sys
import time

from nameko import containers
from nameko.containers import ServiceContainer as NamekoContainer
from nameko.exceptions import ConfigurationError
from nameko.messaging import QueueConsumer
from nameko.utils import sanitize_url
from nameko.web.server import WebServer as NamekoWebServer

from chassis import metrics, resolving
from chassis.admission import Admission
from chassis.errors import ENDS, ServiceError, text_of
from chassis.http.entrypoint import HttpRequestHandler
from chassis.http.server import WebServer
from chassis.instance import Instance
from chassis.logs import call_fields
from chassis.readiness import Readiness
from chassis.rpc import Rpc
from chassis.rpc.deadline import timeout_setting
from chassis.rpc.server import RpcConsumer
from chassis.settings import whole_number_setting
from chassis.stock import HeldQueueConsumer, HeldTimer, hold_back

_log = logging.getLogger(__name__)


class ServiceContainer(NamekoContainer):
    """Nameko's container with health, readiness and one log line a call."""

    def __init__(self, service_cls, config):
        resolving.install()
        super().__init__(service_cls, config)
        self._stopping = False
        # Here, as some read them first when they need them, which is too late.
        whole_number_setting(config, "REDIS_REPLICAS", None)
        timeout_setting(config, "RPC_TIMEOUT", None)
        self.instance = Instance.from_config(config, self.service_name)
        self.admission = Admission(self.instance, self._follow)
        self.readiness = Readiness(self, self.instance)
        metrics.identify(**self.instance.identity)
        metrics.workers(self._worker_pool.running, self.max_workers)
        metrics.taking(lambda: int(self.taking))
        # The listener is shared: an HTTP service's own entrypoints have bound it already.
        self.subextensions.add(WebServer().bind(self.interface))
        for extension in self.extensions:
            self._adopt(extension)

    def start(self):
        """As Nameko's, which waits for the broker; the state file may change while it does."""
        if self.instance.state_file is not None:
            self.spawn_managed_thread(self.admission.watch)
        super().start()

    @property
    def taking(self):
        """Whether the instance takes what it shares with others: all of it if admitted, still some if not."""
        kinds = RpcConsumer | HeldQueueConsumer
        parts = [extension.taking for extension in self.extensions if isinstance(extension, kinds)]
        return all(parts) if self.admission.admitted else any(parts)

    def stop(self):
        """As Nameko's, but once: of two that run at the same time each would wait for the other's end for ever.

        At a shutdown of the host a service gets one SIGTERM from supervisor and one from systemd.
        """
        if not self._stopping:
            self._stopping = True
            self.admission.end()
            super().stop()

    def _adopt(self, extension):
        if isinstance(extension, NamekoWebServer) and not isinstance(extension, WebServer):
            raise ConfigurationError(
                f"{self.service_name} imports `http` from nameko.web, whose listener would take the address of "
                "/health and /ready: import it from chassis.http."
            )
        if isinstance(extension, QueueConsumer):
            extension.on_connection_error = self._report_no_broker
        if isinstance(extension, RpcConsumer):
            extension.take(self.admission.admitted)
        hold_back(extension, lambda: self.admission.admitted)
        if extension in self.entrypoints:
            expected = extension.expected_exceptions
            expected = expected if isinstance(expected, tuple) else (expected,)
            extension.expected_exceptions = (*expected, ServiceError)

    def _follow(self, _state):
        """The state file says something else than before. Nameko's queue consumer looks for itself."""
        for extension in self.extensions if not self._stopping else ():
            if isinstance(extension, RpcConsumer):
                extension.take(self.admission.admitted)
            elif isinstance(extension, HeldTimer):
                extension.follow()

    def _report_no_broker(self, error, interval):
        _log.warning(
            "RabbitMQ does not answer at %s (%s): start it or set AMQP_URI; trying again in %d s.",
            sanitize_url(self.config["AMQP_URI"]),
            error,
            interval,
        )

    def _run_worker(self, worker_ctx, handle_result):
        """Nameko's, without its ten debug lines, and with the entrypoint's say in how the method is called."""
        worker_ctx.started = time.monotonic()
        fields = {**self.instance.identity, "call_id": worker_ctx.call_id}
        if request_id := worker_ctx.data.get("request_id"):
            fields["request_id"] = request_id
        call_fields.set(fields)
        entrypoint = worker_ctx.entrypoint
        self._inject_dependencies(worker_ctx)
        self._worker_setup(worker_ctx)
        result = exc_info = None
        method = getattr(worker_ctx.service, entrypoint.method_name)
        try:
            if isinstance(entrypoint, Rpc):
                result = entrypoint.invoke(worker_ctx, method)
            else:
                result = method(*worker_ctx.args, **worker_ctx.kwargs)
        except ENDS:
            raise
        except BaseException as error:  # noqa: BLE001 - it is the caller's, and logged: eventlet's Timeout too
            # In Nameko's words, and as its logger: tools look for them.
            text = text_of(error)
            if isinstance(error, entrypoint.expected_exceptions):
                containers._log.warning("(expected) error handling worker %s: %s", worker_ctx, text, exc_info=True)
            else:
                containers._log.exception("error handling worker %s: %s", worker_ctx, text)
            exc_info = sys.exc_info()
        if handle_result is not None:
            result, exc_info = handle_result(worker_ctx, result, exc_info)
        self._worker_result(worker_ctx, result, exc_info)
        del exc_info  # it holds this frame, and with it itself
        self._worker_teardown(worker_ctx)

    def _worker_result(self, worker_ctx, result, exc_info):
        # The listener logs HTTP requests, those that never reach a worker included.
        if not isinstance(worker_ctx.entrypoint, HttpRequestHandler):
            self._log_call(worker_ctx, exc_info)
        super()._worker_result(worker_ctx, result, exc_info)

    def _log_call(self, worker_ctx, exc_info):
        method = worker_ctx.entrypoint.method_name
        outcome = exc_info[0].__name__ if exc_info else "ok"
        seconds = time.monotonic() - worker_ctx.started
        metrics.served(method, outcome, seconds)
        extra = {
            "event": "call",
            "method": method,
            "outcome": outcome,
            "duration_ms": round(seconds * 1000, 1),
            "parent_call_id": worker_ctx.immediate_parent_call_id,
        }
        _log.info("%s.%s: %s", self.service_name, method, outcome, extra=extra)
