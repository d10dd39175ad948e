"""The `http` entrypoint: Nameko's, with the chassis's listener and JSON answers."""

from functools import partial

from eventlet.event import Event
from nameko.web.handlers import HttpRequestHandler as NamekoHttpRequestHandler
from werkzeug.wrappers import Response

from chassis.errors import ServiceError, text_of
from chassis.http import body
from chassis.http.errors import RequestError, json_body, response_from_exception
from chassis.http.reply import Reply, json_reply
from chassis.http.server import WebServer

EDGE = "edge"
_CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class HttpRequestHandler(NamekoHttpRequestHandler):
    """A method called by HTTP requests.

    It may return an object, which is answered as JSON, text, as text/plain, or None, as 204; and all that
    Nameko's own allows. With `idempotent=True` a request that carries an `Idempotency-Key` is answered once: the same
    request again gets the same answer, for 24 hours, from the Redis of the setting REDIS_URIS.
    """

    server = WebServer()

    def __init__(self, method, url, idempotent=False, **kwargs):
        self.idempotent = idempotent
        super().__init__(method, url, **kwargs)

    def setup(self):
        super().setup()
        self._checked = set()

    def stop(self):
        self.server.drain()
        super().stop()

    def handle_request(self, request):
        # Before a slot is taken, so that a slow sender holds none.
        request.body = body.read(request.environ)
        key = self._repeat_key(request)
        self.server.slots.take()
        try:
            if key is None or not self.idempotent or request.environ.get("HTTP_X_IDEMPOTENCY_KEY_BY") == EDGE:
                return self._answer(request)
            return self.server.answers.once(key, request, partial(self._final_answer, request))
        finally:
            self.server.slots.give()

    def _repeat_key(self, request):
        """Return the client's key, if there is one, and let the ids of the calls that follow derive from it.

        Also where the answer is not kept: the load balancer may send again whatever carries a key.
        """
        if request.method not in _CHANGES or "HTTP_IDEMPOTENCY_KEY" not in request.environ:
            return None
        from chassis.http import idempotency  # needs Redis's client, which only services that use Redis have

        key = idempotency.key_of(request)
        request.repeat_key = idempotency.repeat_key(key, request)
        return key

    def _answer(self, request):
        args, kwargs = (request,), request.path_values
        self._check_signature(args, kwargs)
        event = Event()
        context = self.server.context_data_from_headers(request)
        handle_result = partial(self.handle_result, event)

        def spawn():
            worker_ctx = self.container.spawn_worker(self, args, kwargs, context, handle_result)
            worker_ctx.repeat_key = request.repeat_key  # it has not begun yet

        self.server.slots.spawn(self.container._worker_pool, spawn)
        try:
            result = event.wait()
        except self.expected_exceptions as error:
            if isinstance(error, ServiceError):  # they have a status of their own
                raise
            raise RequestError(400, "bad_request", text_of(error)) from error
        return self.response_from_result(result)

    def _final_answer(self, request):
        """As `_answer`, with errors that the caller caused as answers, to be kept like any other."""
        try:
            return self._answer(request)
        except Exception as error:
            response = response_from_exception(error)
            if response.status_code >= 500:
                raise
            return response

    def _check_signature(self, args, kwargs):
        """Once for each set of names: what is in the path never changes whether a method can be called with it."""
        names = frozenset(kwargs)
        if names not in self._checked:
            self.check_signature(args, kwargs)
            self._checked.add(names)

    def handle_result(self, event, worker_ctx, result, exc_info):
        worker_ctx.args[0].call_id = worker_ctx.call_id
        return super().handle_result(event, worker_ctx, result, exc_info)

    def response_from_result(self, result):
        if result is None:
            return Reply(204)
        if isinstance(result, dict):
            return json_reply(200, json_body(result))
        if isinstance(result, str):
            return Reply(200, result.encode("utf-8", "backslashreplace"), content_type="text/plain; charset=utf-8")
        if isinstance(result, Response):
            return result
        return super().response_from_result(result)

    def response_from_exception(self, exc):
        raise exc  # to the application, which answers and logs every error in one place


http = HttpRequestHandler.decorator
