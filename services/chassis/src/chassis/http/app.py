"""The WSGI application of an instance: its service's routes, and /health, /ready and /metrics beside them."""

import logging
import time

from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import BaseConverter, Map, Rule

from chassis import metrics
from chassis.errors import ENDS, text_of
from chassis.http.errors import RequestError, json_body, response_from_exception
from chassis.http.reply import Reply, json_reply
from chassis.http.request import Request
from chassis.instance import PROCESS
from chassis.logs import call_fields

_log = logging.getLogger(__name__)


class TextConverter(BaseConverter):
    """`<text:name>` in a route: all of the rest of the path, whatever characters it holds."""

    regex = "(?s:.+)"
    part_isolating = False
    weight = 300  # tried after routes that say more, like Werkzeug's `path`, which knows no line ends


class App:
    """Answers every request, well or badly, with its id, and logs a line for it."""

    def __init__(self, container, providers):
        self._identity = container.instance.identity
        self._readiness = container.readiness
        # No redirects: a path that does not exist as it is written is a 404.
        urls = Map(merge_slashes=False, redirect_defaults=False, converters={"text": TextConverter})
        for provider in providers:
            rule = provider.get_url_rule()
            rule.endpoint = provider.handle_request
            urls.add(rule)
        # Answered here, where no worker is needed: they tell the truth also while every worker is stuck.
        urls.add(Rule("/health", methods=["GET"], endpoint=self._health))
        urls.add(Rule("/ready", methods=["GET"], endpoint=self._ready))
        urls.add(Rule("/metrics", methods=["GET"], endpoint=self._metrics))
        self._urls = urls.bind("")  # not to the Host header: no answer depends on it

    def __call__(self, environ, start_response):
        return self.answer(environ)(environ, start_response)

    def answer(self, environ):
        """Return the answer to a WSGI request, a WSGI application: most often a `Reply`."""
        started = time.monotonic()
        request = Request(environ)
        call_fields.set({**self._identity, "request_id": request.id})
        error = None
        try:
            response = self._route(request)(request)
        except ENDS:
            raise
        except BaseException as exc:  # noqa: BLE001 - whatever it was, the client gets an answer and the log the rest
            response, error = response_from_exception(exc), exc
        response.headers["X-Request-ID"] = request.id
        seconds = time.monotonic() - started
        metrics.http(request.method, request.route, response.status_code, seconds)
        _log_request(request, response, seconds, error)
        return response

    def _route(self, request):
        """Return what answers the request, and set the values that its path holds."""
        try:
            path = request.environ["PATH_INFO"].encode("latin-1").decode("utf-8")
            if path.startswith("//"):  # Werkzeug takes it for one with a single slash, and a balancer does not
                request.path = path
                raise NotFound
            rule, request.path_values = self._urls.match(path, method=request.method, return_rule=True)
        except UnicodeError as error:
            raise RequestError(400, "bad_request", "The path must be UTF-8.") from error
        except NotFound as error:
            raise RequestError(404, "not_found", "There is nothing at this path.") from error
        except MethodNotAllowed as error:
            allowed = ", ".join(sorted(error.valid_methods))
            message = f"The path only allows {allowed}."
            raise RequestError(405, "method_not_allowed", message, {"Allow": allowed}) from error
        request.route = rule.rule
        return rule.endpoint

    def _health(self, _request):
        return self._answer(200, {"alive": True, **PROCESS})

    def _ready(self, _request):
        return self._answer(*self._readiness.report())

    def _metrics(self, _request):
        content, content_type = metrics.exposition()
        return Reply(200, content, content_type=content_type)

    def _answer(self, status, content):
        return json_reply(status, json_body({**content, **self._identity}))


def _log_request(request, response, seconds, error):
    status = response.status_code
    extra = {
        "event": "request",
        "method": request.method,
        "path": request.path,
        "status": status,
        "duration_ms": round(seconds * 1000, 1),
        "call_id": request.call_id,
    }
    if error and status >= 500:
        extra["error"] = f"{type(error).__name__}: {text_of(error)}"
    # Of a method's own bug Nameko has logged the traceback already.
    traceback = error if status == 500 and not request.call_id else None
    level = _log_level(request.path, status)
    _log.log(level, "%s %s: %d", request.method, request.path, status, extra=extra, exc_info=traceback)


def _log_level(path, status):
    if path in ("/health", "/ready"):
        return logging.DEBUG if status != 500 else logging.ERROR  # balancers ask about every second
    if status < 500:
        return logging.INFO
    return logging.ERROR if status == 500 else logging.WARNING
