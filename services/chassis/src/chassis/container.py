"""The container that Nameko runs a service in, through its SERVICE_CONTAINER_CLS setting.

It adds, without a line in the service: an HTTP listener with /health and /ready that needs no worker, one log
line a call, and errors that callers cause logged as such.
"""

import logging
import time

from nameko.containers import ServiceContainer as NamekoContainer
from nameko.exceptions import ConfigurationError
from nameko.messaging import QueueConsumer
from nameko.utils import sanitize_url
from nameko.web.server import WebServer as NamekoWebServer

from chassis.errors import ServiceError
from chassis.http.entrypoint import HttpRequestHandler
from chassis.http.server import WebServer
from chassis.instance import Instance
from chassis.logs import call_fields
from chassis.readiness import Readiness

_log = logging.getLogger(__name__)


class ServiceContainer(NamekoContainer):
    """Nameko's container with health, readiness and one log line a call."""

    def __init__(self, service_cls, config):
        super().__init__(service_cls, config)
        self._stopping = False
        self.instance = Instance.from_config(config, self.service_name)
        self.readiness = Readiness(self, self.instance)
        # The listener is shared: an HTTP service's own entrypoints have bound it already.
        self.subextensions.add(WebServer().bind(self.interface))
        for extension in self.extensions:
            self._adopt(extension)

    def stop(self):
        """As Nameko's, but once: of two that run at the same time each would wait for the other's end for ever.

        At a shutdown of the host a service gets one SIGTERM from supervisor and one from systemd.
        """
        if not self._stopping:
            self._stopping = True
            super().stop()

    def _adopt(self, extension):
        if isinstance(extension, NamekoWebServer) and not isinstance(extension, WebServer):
            raise ConfigurationError(
                f"{self.service_name} imports `http` from nameko.web, whose listener would take the address of "
                "/health and /ready: import it from chassis.http."
            )
        if isinstance(extension, QueueConsumer):
            extension.on_connection_error = self._report_no_broker
        if extension in self.entrypoints:
            expected = extension.expected_exceptions
            expected = expected if isinstance(expected, tuple) else (expected,)
            extension.expected_exceptions = (*expected, ServiceError)

    def _report_no_broker(self, error, interval):
        _log.warning(
            "RabbitMQ does not answer at %s (%s): start it or set AMQP_URI; trying again in %d s.",
            sanitize_url(self.config["AMQP_URI"]),
            error,
            interval,
        )

    def _run_worker(self, worker_ctx, handle_result):
        worker_ctx.started = time.monotonic()
        fields = {**self.instance.identity, "call_id": worker_ctx.call_id}
        if request_id := worker_ctx.data.get("request_id"):
            fields["request_id"] = request_id
        call_fields.set(fields)
        super()._run_worker(worker_ctx, handle_result)

    def _worker_result(self, worker_ctx, result, exc_info):
        # The listener logs HTTP requests, those that never reach a worker included.
        if not isinstance(worker_ctx.entrypoint, HttpRequestHandler):
            self._log_call(worker_ctx, exc_info)
        super()._worker_result(worker_ctx, result, exc_info)

    def _log_call(self, worker_ctx, exc_info):
        method = worker_ctx.entrypoint.method_name
        outcome = exc_info[0].__name__ if exc_info else "ok"
        milliseconds = round((time.monotonic() - worker_ctx.started) * 1000, 1)
        extra = {
            "event": "call",
            "method": method,
            "outcome": outcome,
            "duration_ms": milliseconds,
            "parent_call_id": worker_ctx.immediate_parent_call_id,
        }
        _log.info("%s.%s: %s", self.service_name, method, outcome, extra=extra)
