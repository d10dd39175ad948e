"""What a request says: its id, the fields of its body, its query. What is wrong with it is a `RequestError`."""

import json
import re
import secrets

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
        fields = json.loads(request.body.decode("utf-8"), parse_constant=_refuse_constant)
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
    allowed = not request.mimetype or _JSON_TYPE.fullmatch(request.mimetype)
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if not allowed or charset not in ("utf-8", "utf8"):
        raise RequestError(415, "unsupported_media_type", "The body's type must be application/json, in UTF-8.")


def _refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def _text(fields, name):
    value = fields.get(name)
    if not isinstance(value, str):
        raise RequestError(400, "invalid", f"The field {name} must be there and be text.")
    try:
        value.encode()
    except UnicodeEncodeError as error:  # JSON can write half of a surrogate pair; UTF-8 can't
        raise RequestError(400, "invalid", f"The field {name} holds half of a surrogate pair.") from error
    return value
