"""An answer as this package makes it: Werkzeug's `Response` without what takes most of its time."""

from http import HTTPStatus

_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_HAS_NO_BODY = frozenset({204, 304})


class Reply:
    """A complete answer; a WSGI application like Werkzeug's `Response`."""

    __slots__ = ("body", "headers", "status_code")

    def __init__(self, status_code, body=b"", headers=(), content_type=None):
        self.status_code, self.body, self.headers = status_code, body, dict(headers)
        if content_type:
            self.headers["Content-Type"] = content_type

    def __call__(self, environ, start_response):
        line, headers = self._head()
        start_response(line, headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [self.body]

    def encoded(self, method, *more):
        """Return the whole answer to a request with `method` as bytes, with further header lines."""
        line, headers = self._head()
        lines = [f"HTTP/1.1 {line}", *(f"{name}: {value}" for name, value in headers), *more, "\r\n"]
        head = "\r\n".join(lines).encode("latin-1")
        return head if method == "HEAD" or self.status_code in _HAS_NO_BODY else head + self.body

    def _head(self):
        headers = list(self.headers.items())
        if self.status_code not in _HAS_NO_BODY:
            headers.append(("Content-Length", str(len(self.body))))
        return _LINES[self.status_code], headers


def json_reply(status_code, body, headers=()):
    """Return an answer whose body is JSON, already encoded."""
    return Reply(status_code, body, headers, "application/json")
