"""What a request says: its id, the fields of its body, its query. What is wrong with it is a `RequestError`."""

import json
import re
import secrets
from functools import lru_cache

from werkzeug.http import parse_options_header
from werkzeug.wrappers import Request as WerkzeugRequest

from chassis import metrics
from chassis.http.errors import RequestError

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# `curl -d` says that it sends a form, whatever it sends.
_JSON_TYPE = re.compile(r"application/(json|[\w.!#$&^-]+\+json|x-www-form-urlencoded)", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,9}")


class Request(WerkzeugRequest):
    """A request with an id: the client's own if it is fit for logs, else a new one."""

    def __init__(self, environ):
        # Werkzeug doesn't bound a body: `body.read` has read it before a handler asks for it.
        super().__init__(environ, populate_request=False)
        given = environ.get("HTTP_X_REQUEST_ID", "")
        self.id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
        self.call_id = None  # of the worker that handles it, if one does
        self.repeat_key = None  # from which the ids of the calls that it causes derive, if it carries a key
        self.body = b""
        self.route = metrics.OTHER  # the template of its path, if that leads anywhere


def text_fields(request, *names):
    """Return the values of the named fields of the JSON object in the body; each must be text.

    415 for a type that can't be JSON, 400 for anything that is not such an object.
    """
    _check_type(request)
    try:
        fields = _decode_json(request.body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RequestError(400, "bad_json", "The body must be JSON in UTF-8.") from error
    if not isinstance(fields, dict):
        raise RequestError(400, "bad_json", "The body must be a JSON object.")
    return [_text(fields, name) for name in names]


def query_int(request, name, default):
    """Return a whole number from the query string, or `default` without one; 400 if it is something else."""
    value = request.args.get(name)
    if value is None:
        return default
    if not _NUMBER.fullmatch(value):
        raise RequestError(400, "invalid", f"{name} must be a whole number.")
    return int(value)


def _check_type(request):
    if not _may_be_json(request.environ.get("CONTENT_TYPE", "")):
        raise RequestError(415, "unsupported_media_type", "The body's type must be application/json, in UTF-8.")


@lru_cache(maxsize=64)  # clients send the same few
def _may_be_json(content_type):
    kind, parameters = parse_options_header(content_type)
    allowed = not kind or _JSON_TYPE.fullmatch(kind.lower())
    return bool(allowed) and parameters.get("charset", "utf-8").lower() in ("utf-8", "utf8")


def _refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


_decode_json = json.JSONDecoder(parse_constant=_refuse_constant).decode  # json.loads would make one for each body


def _text(fields, name):
    value = fields.get(name)
    if not isinstance(value, str):
        raise RequestError(400, "invalid", f"The field {name} must be there and be text.")
    try:
        value.encode()
    except UnicodeEncodeError as error:  # JSON can write half of a surrogate pair; UTF-8 can't
        raise RequestError(400, "invalid", f"The field {name} holds half of a surrogate pair.") from error
    return value
