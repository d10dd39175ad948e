"""The `http` entrypoint: Nameko's, with the chassis's listener and JSON answers."""

from nameko.web.handlers import HttpRequestHandler as NamekoHttpRequestHandler
from werkzeug.wrappers import Response

from chassis.http import body
from chassis.http.errors import json_body
from chassis.http.server import WebServer


class HttpRequestHandler(NamekoHttpRequestHandler):
    """A method called by HTTP requests.

    It may return an object, which is answered as JSON, text, as text/plain, or None, as 204; and all that
    Nameko's own allows.
    """

    server = WebServer()

    def handle_request(self, request):
        # Before a worker is taken, so that a slow sender holds none.
        request.body = body.read(request.environ)
        return super().handle_request(request)

    def handle_result(self, event, worker_ctx, result, exc_info):
        worker_ctx.args[0].call_id = worker_ctx.call_id
        return super().handle_result(event, worker_ctx, result, exc_info)

    def response_from_result(self, result):
        if result is None:
            response = Response(status=204)
            del response.headers["Content-Type"]
            return response
        if isinstance(result, dict):
            return Response(json_body(result), content_type="application/json")
        return super().response_from_result(result)

    def response_from_exception(self, exc):
        raise exc  # to the application, which answers and logs every error in one place


http = HttpRequestHandler.decorator
