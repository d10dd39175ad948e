"""The head of a request, its line and its headers, as `httptools` reads them.

The standard library takes headers for those of an e-mail: at a line that it can't read it drops all that follow, and
where a value has a bare CR it begins another. A balancer does neither, and where two read one request differently
others can be smuggled. `httptools` (Node's parser) refuses both, in a seventh of the time; what it takes beyond
RFC 9112 is refused here.
"""

import re

import httptools

END = b"\r\n\r\n"
LINE_MAX = 8 * 1024  # bytes of the first line, and of each header
HEADERS_MAX = 100  # as in the standard library
HEADERS_SIZE_MAX = 16 * 1024  # bytes of all of them; with the largest body it must fit into the edge's tune.bufsize
_AUTHORITY = re.compile(r"https?://[^/?#]+", re.IGNORECASE)
_LINE = re.compile(rb"[^ ]+ [^ ]+ HTTP/(\d)\.\d\r\n")
_LENGTH = re.compile(r"[0-9]{1,15}")


class HeadError(Exception):
    """What is wrong with a head: a status, a code for programs, a sentence for people."""


class Headers:
    """A request's headers, as far as eventlet asks for them."""

    type = ""  # eventlet would say text/plain where the client said nothing

    def __init__(self, pairs):
        self._headers = pairs  # by this name eventlet looks for them
        self._values = {}
        for name, value in pairs:
            self._values.setdefault(name.lower(), []).append(value)

    def get(self, name, default=None):
        """The first value under a name, whatever its case."""
        values = self._values.get(name.lower())
        return values[0] if values else default

    def get_all(self, name):
        """All values under a name."""
        return self._values.get(name.lower(), [])


class Head:
    """A parsed head.

    Attributes:
        method, target, version: those of the request line, `target` without a host; `version` is 1.0 or 1.1.
        headers: `Headers`.
    """

    def __init__(self, data):
        """`data` are its bytes, to the line that ends it; `HeadError` for what is none."""
        self._target, self._pairs, self._complete = b"", [], False
        line = _LINE.match(data)
        if not line:
            raise _bad("The request line is not HTTP.")
        if line[1] != b"1":
            raise HeadError(505, "bad_request", "The version of HTTP must be 1.0 or 1.1.")
        parser = httptools.HttpRequestParser(self)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # nobody here speaks anything else, and RFC 9110 lets a server go on as if it wasn't asked
        except httptools.HttpParserError as error:
            raise _bad(f"The request is not HTTP: {error}.") from error
        if not self._complete:
            raise _bad("The request ends before its headers do.")
        if len(self._pairs) > HEADERS_MAX:
            raise HeadError(431, "headers_too_large", f"There are more than {HEADERS_MAX} headers.")
        self.version = parser.get_http_version()
        self.method, self.target = parser.get_method().decode(), _without_host(self._target.decode("latin-1"))
        self.headers = Headers(self._pairs)
        self._require_one_host()
        self._require_one_length()

    def _require_one_host(self):
        """As RFC 9112, 3.2 has it; what the host is makes no difference here, but it may to a balancer."""
        hosts = len(self.headers.get_all("host"))
        if hosts > 1 or (not hosts and self.version != "1.0"):
            raise _bad("There must be one Host, which only HTTP/1.0 may leave out.")

    def _require_one_length(self):
        """A balancer in front must not find another end of the body."""
        if not all(map(_LENGTH.fullmatch, self.headers.get_all("content-length"))):
            raise _bad("Content-Length must be a number of at most 15 digits.")
        encodings = [encoding.lower() for encoding in self.headers.get_all("transfer-encoding")]
        if encodings not in ([], ["chunked"]) or (encodings and self.version == "1.0"):
            raise _bad("Transfer-Encoding must be chunked, of HTTP/1.1, or not be there.")

    def on_url(self, part):
        """Called by the parser."""
        self._target += part

    def on_header(self, name, value):
        """Called by the parser."""
        self._pairs.append((name.decode("latin-1"), value.decode("latin-1").strip(" \t")))

    def on_headers_complete(self):
        """Called by the parser."""
        self._complete = True


def _without_host(target):
    """A target as clients send it to a proxy (`http://host/path`) is the same as its path: RFC 9112, 3.2.2."""
    if target.startswith("/"):
        return target
    host = _AUTHORITY.match(target)
    if not host:
        return target
    path = target[host.end() :]
    return path if path.startswith("/") else "/" + path


def _bad(sentence):
    return HeadError(400, "bad_request", sentence)


def read(first, file):
    """Return the `Head` that begins with the line `first` and goes on in `file`; `HeadError` for what is none."""
    if len(first) >= LINE_MAX:
        raise HeadError(414, "uri_too_long", f"The path must be shorter than {LINE_MAX} bytes.")
    lines, left = [first], HEADERS_SIZE_MAX
    while lines[-1].strip(b"\r\n"):
        lines.append(file.readline(LINE_MAX))
        left -= len(lines[-1])
        if left < 0 or len(lines[-1]) >= LINE_MAX:
            raise HeadError(431, "headers_too_large", "The headers are too large.")
    return Head(b"".join(lines))
