"""Reading the body of a request, and getting rid of one that nobody wants."""

from io import BytesIO

from eventlet import Timeout, sleep

from chassis.http.errors import RequestError

BODY_MAX = 64 * 1024  # bytes
BODY_TIMEOUT = 30  # seconds for a client to send its whole body
DISCARD_MAX = 16 * 1024 * 1024  # bytes of an unwanted body that are read to save its connection
UNREADABLE = "chassis.body_unreadable"  # in the environment of a request: nobody knows where its body ends


def read(environ):
    """Return the body of a WSGI request, which Werkzeug then finds as if it had come with its length.

    Raises `RequestError`: 413 over 64 KiB, 408 if it takes longer than 30 s, 400 if it is cut short or its
    chunks are malformed.
    """
    length = environ.get("CONTENT_LENGTH")
    if not length and "HTTP_TRANSFER_ENCODING" not in environ:
        return b""
    if length and int(length) > BODY_MAX:
        raise _too_large()
    try:
        with Timeout(BODY_TIMEOUT, TimeoutError):
            body = environ["wsgi.input"].read(BODY_MAX + 1)
    except TimeoutError as error:
        environ[UNREADABLE] = True
        raise RequestError(408, "request_timeout", "The body did not arrive in time.") from error
    except (ValueError, OSError) as error:
        environ[UNREADABLE] = True
        raise RequestError(400, "bad_request", "The body ends early, or its chunks are malformed.") from error
    if len(body) > BODY_MAX:
        raise _too_large()
    if length and len(body) < int(length):
        environ[UNREADABLE] = True
        raise RequestError(400, "bad_request", "The body is shorter than its Content-Length.")
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    environ["CONTENT_LENGTH"], environ["wsgi.input"] = str(len(body)), BytesIO(body)
    return body


def discard(environ):
    """Read what is left of a body, so that its connection can be used again.

    Raises `OSError`, upon which eventlet closes the connection, if that is too much, too slow or impossible.
    """
    left = DISCARD_MAX
    with Timeout(BODY_TIMEOUT, TimeoutError):
        while left > 0 and UNREADABLE not in environ:
            data = environ["eventlet.input"].read(16 * 1024)
            if not data:
                return
            left -= len(data)
            sleep()  # what comes as fast as it is read would keep all others waiting, this timeout too
    raise OSError("the rest of the body is not worth reading")


def _too_large():
    return RequestError(413, "payload_too_large", f"The body must not be larger than {BODY_MAX} bytes.")
