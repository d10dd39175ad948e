"""The one place that turns errors into HTTP answers."""

import json

from nameko.exceptions import BadRequest, IncorrectSignature, MalformedRequest, MethodNotFound, UnknownService

from chassis import errors
from chassis.http.reply import json_reply

RETRY_AFTER = "1"  # seconds
#: Nameko's `BadRequest` too, but of a call that we made: the client can't help it.
_CALLED_WRONGLY = (IncorrectSignature, MalformedRequest, MethodNotFound)
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode  # json.dumps would make one for each answer

#: The first class that fits decides: subclasses stand before their parents.
_STATUS = (
    (errors.Invalid, 400, "invalid"),
    (errors.NotFound, 404, "not_found"),
    (errors.Conflict, 409, "conflict"),
    (errors.Unprocessable, 422, "unprocessable"),
    (errors.NotEnoughReplicas, 503, "not_enough_replicas"),
    (errors.Unavailable, 503, "unavailable"),
    (errors.RpcTimeout, 504, "timeout"),
)


class RequestError(errors.ServiceError):
    """What is wrong with a request as HTTP: found before any service sees it."""

    def __init__(self, status, code, message, headers=None):
        super().__init__(message)
        self.status, self.code, self.headers = status, code, headers or {}


def json_body(content):
    """Encode an answer; half a surrogate pair, which UTF-8 can't hold, becomes its JSON escape.

    `ValueError` for NaN and infinity, which JSON can't hold.
    """
    return _encode(content).encode("utf-8", "backslashreplace")


def error_body(code, message):
    """Encode an error: `code` for programs, `message` for people."""
    return json_body({"error": {"code": code, "message": message}})


def response_from_exception(exc):
    """The answer to a request that ended with `exc`. It shows nothing of an error that is ours."""
    status, code, message, headers = _classified(exc)
    if status == 503:
        headers = {"Retry-After": RETRY_AFTER, **headers}
    return json_reply(status, error_body(code, message), headers)


def _classified(exc):
    if isinstance(exc, RequestError):
        return exc.status, exc.code, errors.text_of(exc), exc.headers
    if isinstance(exc, UnknownService):  # no instance has declared its queue yet
        return 503, "unavailable", "A service that this needs is not running.", {}
    for kind, status, code in _STATUS:
        if isinstance(exc, kind):
            return status, code, errors.text_of(exc), {}
    if isinstance(exc, BadRequest) and not isinstance(exc, _CALLED_WRONGLY):
        return 400, "bad_request", errors.text_of(exc), {}
    return 500, "internal", "The request failed because of an error on the server.", {}
