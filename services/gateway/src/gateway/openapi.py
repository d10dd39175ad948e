"""What the API is, as an OpenAPI document: `/openapi.json` serves it, and `/docs` shows it."""

from importlib.metadata import PackageNotFoundError, version

from chassis.checks import LIMIT, LIMIT_MAX, NAME_LENGTH

EXAMPLE_ID = "5f0c7e0f6c0d4f0f9e1a2b3c4d5e6f70"
_INTRODUCTION = """\
Airports, trips between them, and greetings.

Every error is `{"error": {"code", "message"}}`: the code is for programs, the message for people. Every answer has an \
`X-Request-ID`: the client's own, if it sent one of 1 to 64 letters, digits, `.`, `_` or `-`, else a new one. A `503` \
says in `Retry-After` after how many seconds it is worth trying again.

A `POST` or `DELETE` can be repeated without being done twice: send a new, random `Idempotency-Key` (a UUID, for \
example) with it, and the same key with each repeat. The same request gets the same answer for 24 hours, or after an \
error of ours (5xx) another attempt; another request under the key is a `422`, and a repeat while the first is still \
being worked on a `409`."""


def _ref(kind, name):
    return {"$ref": f"#/components/{kind}/{name}"}


def _error(description, *codes, **headers):
    schema = {
        "allOf": [
            _ref("schemas", "Error"),
            {"properties": {"error": {"properties": {"code": {"enum": list(codes)}}}}},
        ]
    }
    given = {"X-Request-ID": _ref("headers", "RequestId"), **headers}
    return {"description": description, "headers": given, "content": {"application/json": {"schema": schema}}}


_RETRY_AFTER = {"Retry-After": _ref("headers", "RetryAfter")}
_RESPONSES = {
    "Malformed": _error("The request is not proper HTTP.", "bad_request"),
    "Invalid": _error("A value has the wrong form, or the request is not proper HTTP.", "invalid", "bad_request"),
    "BadBody": _error(
        "The body is not the JSON object asked for, a value has the wrong form, or the request is not proper HTTP.",
        "bad_json", "invalid", "bad_request",
    ),
    "NotFound": _error("There is nothing of that id.", "not_found"),
    "MethodNotAllowed": _error(
        "The path does not allow this method.", "method_not_allowed", Allow={"schema": {"type": "string"}}
    ),
    "Timeout408": _error("The request took longer than 30 s to arrive.", "request_timeout"),
    "InProgress": _error(
        "A request with this Idempotency-Key is being worked on.", "in_progress", **_RETRY_AFTER
    ),
    "Conflict": _error(
        "A trip refers to the airport; or a request with this Idempotency-Key is being worked on.",
        "conflict", "in_progress",
    ),
    "TooLarge": _error("The body is larger than 64 KiB.", "payload_too_large"),
    "UriTooLong": _error("The path is longer than 8 KiB.", "uri_too_long"),
    "UnsupportedMediaType": _error(
        "The body's type is not JSON in UTF-8 (a form's type, which `curl -d` sends, is taken).",
        "unsupported_media_type",
    ),
    "KeyReused": _error("The Idempotency-Key was used for another request.", "idempotency_key_reused"),
    "Unprocessable": _error(
        "The two airports don't exist or are the same; or the Idempotency-Key was used for another request.",
        "unprocessable", "idempotency_key_reused",
    ),
    "HeadersTooLarge": _error("The headers are larger than 16 KiB, or one of them than 8 KiB.", "headers_too_large"),
    "Internal": _error("An error of ours, which our logs explain.", "internal"),
    "Unavailable": _error(
        "Something that this needs does not answer at the moment, or there is more to do than can be done. It is not "
        "done, or not surely kept: safe to repeat with the same Idempotency-Key.",
        "unavailable", "overloaded", "not_enough_replicas", **_RETRY_AFTER,
    ),
    "Timeout": _error(
        "A service did not answer in time. It may have been done: safe to repeat with the same Idempotency-Key.",
        "timeout",
    ),
}  # fmt: skip

_ANY = {
    "400": "Invalid", "405": "MethodNotAllowed", "408": "Timeout408", "413": "TooLarge", "414": "UriTooLong",
    "431": "HeadersTooLarge", "500": "Internal", "503": "Unavailable", "504": "Timeout",
}  # fmt: skip
_KEYED = {"409": "InProgress", "422": "KeyReused"}
_BODY = {"400": "BadBody", "415": "UnsupportedMediaType"}


def _operation(summary, success, parameters=(), body=None, errors=(), own=True):
    """One method of one path; `errors` besides those that any request can have, by status."""
    names = {**_ANY, **dict(errors)}
    if not own:  # answered by the listener itself, which calls nobody
        names.pop("504")
    responses = {**success, **{status: _ref("responses", names[status]) for status in sorted(names)}}
    operation = {"summary": summary, "parameters": [_ref("parameters", name) for name in parameters]}
    if body:
        operation["requestBody"] = {"required": True, "content": {"application/json": body}}
    return {**operation, "responses": responses}


def _ok(description, content_type=None, schema=None, example=None, status="200"):
    response = {"description": description, "headers": {"X-Request-ID": _ref("headers", "RequestId")}}
    if content_type:
        response["content"] = {content_type: {"schema": schema, **({"example": example} if example else {})}}
    return {status: response}


def _object(**properties):
    return {"type": "object", "required": list(properties), "properties": properties}


def _page(key, item, example):
    schema = _object(**{key: {"type": "array", "items": item}, "next": {"type": ["string", "null"]}})
    return _ok("A page.", "application/json", schema, {key: [example], "next": None})


_ID, _NAME = _ref("schemas", "Id"), _ref("schemas", "Name")
_AIRPORT = {"id": EXAMPLE_ID, "airport": "Tehran Imam Khomeini"}
_WAY = {"from": EXAMPLE_ID, "to": EXAMPLE_ID[::-1]}


def _created(path):
    """The answer to a creation, with what can be done with the id in it."""
    response = _ok("Its new id, as text.", "text/plain", _ID, EXAMPLE_ID)
    target = f"#/paths/~1{path}~1{{id}}"
    response["200"]["links"] = {
        method: {"operationRef": f"{target}/{method}", "parameters": {"id": "$response.body"}}
        for method in ("get", "delete")
    }
    return response


_DELETED = _ok("It is deleted.", status="204")
_STATE = {"type": "object", "required": ["service", "release", "instance"]}

_PATHS = {
    "/airport": {
        "post": _operation(
            "Create an airport",
            _created("airport"),
            ["IdempotencyKey"],
            {"schema": _object(airport=_NAME), "example": {"airport": "Tehran Imam Khomeini"}},
            {**_BODY, **_KEYED},
        )
    },
    "/airport/{id}": {
        "get": _operation(
            "Get an airport",
            _ok("The airport.", "application/json", _object(airport=_NAME), {"airport": "Tehran Imam Khomeini"}),
            ["Id"],
            errors={"404": "NotFound"},
        ),
        "delete": _operation(
            "Delete an airport",
            _DELETED,
            ["Id", "IdempotencyKey"],
            errors={"404": "NotFound", "409": "Conflict", "422": "KeyReused"},
        ),
    },
    "/airports": {
        "get": _operation(
            "List airports, in the order of creation",
            _page("airports", _object(id=_ID, airport=_NAME), _AIRPORT),
            ["Limit", "Cursor"],
        )
    },
    "/trip": {
        "post": _operation(
            "Create a trip",
            _created("trip"),
            ["IdempotencyKey"],
            {
                "schema": _object(airport_from={"type": "string"}, airport_to={"type": "string"}),
                "example": {"airport_from": _WAY["from"], "airport_to": _WAY["to"]},
            },
            {**_BODY, "409": "InProgress", "422": "Unprocessable"},
        )
    },
    "/trip/{id}": {
        "get": _operation(
            "Get a trip",
            _ok("The trip.", "application/json", _object(trip=_object(**{"from": _ID, "to": _ID})), {"trip": _WAY}),
            ["Id"],
            errors={"404": "NotFound"},
        ),
        "delete": _operation("Delete a trip", _DELETED, ["Id", "IdempotencyKey"], errors={"404": "NotFound", **_KEYED}),
    },
    "/trips": {
        "get": _operation(
            "List trips, in the order of creation",
            _page("trips", _object(id=_ID, **{"from": _ID, "to": _ID}), {"id": EXAMPLE_ID, **_WAY}),
            ["Limit", "Cursor"],
        )
    },
    "/hello/{name}": {
        "get": _operation(
            "Greet somebody",
            _ok("A greeting.", "text/plain", {"type": "string"}, "Hello, world!"),
            ["Name"],
            errors={"404": "NotFound"},
        )
    },
    "/health": {
        "get": _operation(
            "Whether this instance lives", _ok("It does.", "application/json", _ref("schemas", "Health")), own=False
        )
    },
    "/ready": {
        "get": {
            **_operation(
                "Whether this instance takes requests",
                _ok("It does.", "application/json", _ref("schemas", "Ready")),
                own=False,
            )
        }
    },
    "/openapi.json": {"get": _operation("This document", _ok("It.", "application/json", {"type": "object"}))},
    "/docs": {"get": _operation("This document, for people", _ok("A page.", "text/html", {"type": "string"}))},
}
for _status, _meaning in (("404", "It finishes what it has, and takes no more."), ("503", "Not now; why, is in it.")):
    _PATHS["/ready"]["get"]["responses"] |= _ok(
        _meaning, "application/json", {"anyOf": [_ref("schemas", "Ready"), _ref("schemas", "Error")]}, status=_status
    )

_COMPONENTS = {
    "schemas": {
        "Id": {"type": "string", "pattern": "^[0-9a-f]{32}$", "examples": [EXAMPLE_ID]},
        "Name": {
            "type": "string",
            "description": f"1 to {NAME_LENGTH} characters, none of them a control character.",
            "minLength": 1,
            "maxLength": NAME_LENGTH,
            "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]+$",
        },
        "Error": _object(error=_object(code={"type": "string"}, message={"type": "string"})),
        "Health": {
            **_STATE,
            "properties": {"alive": {"const": True}, "pid": {"type": "integer"}, "started": {"type": "number"}},
        },
        "Ready": {
            **_STATE,
            "properties": {
                "ready": {"type": "boolean"},
                "state": {"enum": ["probation", "admitted", "held", "draining"]},
                "reason": {"type": "string"},
                "checks": {"type": "object", "additionalProperties": {"type": "string"}},
                "taking": {"type": "boolean"},
                "in_hand": {"type": "integer", "minimum": 0},
                "calls": {
                    "type": "array",
                    "maxItems": 20,
                    "items": _object(
                        method={"type": "string"}, call_id={"type": ["string", "null"]}, seconds={"type": "number"}
                    ),
                },
            },
        },
    },
    "parameters": {
        "Id": {"name": "id", "in": "path", "required": True, "schema": _ID},
        "Name": {
            "name": "name", "in": "path", "required": True, "schema": _NAME,
            "description": "All of the rest of the path, encoded.",
        },
        "Limit": {
            "name": "limit", "in": "query", "description": "Items on the page.",
            "schema": {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT},
        },
        "Cursor": {
            "name": "cursor", "in": "query", "schema": {"type": "string"},
            "description": "The `next` of the page before. It stays right whatever is made or deleted meanwhile.",
        },
        "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header", "description": "Makes the request safe to repeat.",
            "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
        },
    },
    "headers": {
        "RequestId": {
            "description": "The request's id, in our logs too.",
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,64}$"},
        },
        "RetryAfter": {
            "description": "Seconds after which to try again.", "schema": {"type": "integer", "minimum": 1}
        },
    },
    "responses": _RESPONSES,
}  # fmt: skip


def _version():
    try:
        return version("fleet-gateway")
    except PackageNotFoundError:  # run from its source
        return "development"


DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Travel", "version": _version(), "description": _INTRODUCTION},
    "paths": _PATHS,
    "components": _COMPONENTS,
}
