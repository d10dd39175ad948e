"""`Idempotency-Key`: a request that is sent again has its effect once, and the answer that it had.

Two things do that. Every call that the request causes gets an id that derives from the key and the request (see
`repeat_key`), and a service does nothing twice for the same call id: that is what keeps the effect single, also
when Redis has lost what stood there. The answer kept in Redis makes the repeat cheap, and tells another request under
the same key from a repeat.
"""

import json
import logging
import re
import uuid
from hashlib import blake2b

from werkzeug.wrappers import Response

from chassis.errors import Unavailable
from chassis.http.errors import RequestError
from chassis.http.reply import Reply
from chassis.redis import OPTIONS, Client, redis_errors

_log = logging.getLogger(__name__)

KEPT = 24 * 3600  # seconds
LEASE_MARGIN = 5  # seconds beyond RPC_TIMEOUT: an attempt whose process died ends by itself
REDIS_TIMEOUT = 2  # seconds
_KEY = re.compile(r"[\x21-\x7e]{1,255}")

# KEYS of both scripts: the record (what was asked, and the answer once it is known); the attempt that works on it.

# ARGV: the request's digest, the attempt's id, seconds that an attempt may take, seconds that the record is kept.
_CLAIM = """
local request, answer = unpack(redis.call('HMGET', KEYS[1], 'request', 'answer'))
if request and request ~= ARGV[1] then return {'other'} end
if answer then return {'known', answer} end
local attempt = redis.call('GET', KEYS[2])
if attempt and attempt ~= ARGV[2] then return {'busy'} end
redis.call('HSET', KEYS[1], 'request', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
return {'claimed'}
"""

# ARGV: the attempt's id, its answer or an empty text, seconds that the record is kept.
_END = """
if ARGV[2] ~= '' then
    redis.call('HSETNX', KEYS[1], 'answer', ARGV[2])
    redis.call('EXPIRE', KEYS[1], ARGV[3])
end
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
"""


def key_of(request):
    """Return the request's `Idempotency-Key` or None; 400 for one that is not 1 to 255 visible ASCII characters."""
    key = request.environ.get("HTTP_IDEMPOTENCY_KEY")
    if key is None:
        return None
    if not _KEY.fullmatch(key):
        raise RequestError(400, "invalid", "Idempotency-Key must have 1 to 255 visible ASCII characters.")
    # Of several eventlet makes one with commas.
    names = [name.lower() for name, _ in request.environ["headers_raw"]] if "," in key else ()
    if names.count("idempotency-key") > 1:
        raise RequestError(400, "invalid", "There must be one Idempotency-Key.")
    return key


def repeat_key(key, request):
    """Return the text from which the ids of a request's calls derive: the same for the same key and request."""
    return _digest(key.encode(), _request_digest(request).encode())


class Answers:
    """What requests with a key were answered, in Redis."""

    def __init__(self, uri, rpc_timeout):
        self._redis = Client.from_url(uri, **{**OPTIONS, "socket_timeout": REDIS_TIMEOUT}, decode_responses=True)
        self._lease = int(rpc_timeout) + LEASE_MARGIN

    def once(self, key, request, answer):
        """Return the answer that the key's request had, or what `answer()` returns, which is then kept.

        Only what is final is kept: after a 5xx or an exception the same request may be tried again. 422 for
        another request under the same key; 409 while the request is being worked on, but not for the very attempt
        that is, which the load balancer repeats when an instance does not answer. Only the balancer can tell: its
        X-Attempt-ID is none that a client chose.
        """
        attempt = request.environ.get("HTTP_X_ATTEMPT_ID") or uuid.uuid4().hex
        digest = _digest(key.encode())
        keys = [f"idempotency:{digest}", f"idempotency:{digest}:attempt"]
        with redis_errors():
            outcome, *kept = self._redis.eval(_CLAIM, 2, *keys, _request_digest(request), attempt, self._lease, KEPT)
        if outcome == "other":
            message = "The Idempotency-Key was used for another request: take a new one."
            raise RequestError(422, "idempotency_key_reused", message)
        if outcome == "busy":
            message = "A request with this Idempotency-Key is being worked on."
            raise RequestError(409, "in_progress", message, {"Retry-After": "1"})
        if outcome == "known":
            return _decoded(kept[0])
        response = None
        try:
            response = answer()
        finally:
            final = response is not None and response.status_code < 500
            self._end(keys, attempt, _encoded(response) if final else "")
        return response

    def _end(self, keys, attempt, answer):
        try:
            with redis_errors():
                self._redis.eval(_END, 2, *keys, attempt, answer, KEPT)
        except Unavailable as error:
            # The answer is true all the same. A repeat finds the effect by its call id, once the attempt has expired.
            _log.warning("The answer to a request with an Idempotency-Key can't be kept: %s", error)


def _request_digest(request):
    target = request.environ.get("RAW_PATH_INFO", "") + "?" + request.environ.get("QUERY_STRING", "")
    return _digest(request.method.encode(), target.encode("latin-1"), request.body)


def _digest(*parts):
    """Lengths between the parts, so that no two lists of parts look the same."""
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(b"%d:" % len(part))
        digest.update(part)
    return digest.hexdigest()


def _encoded(response):
    body = response.body if isinstance(response, Reply) else response.get_data()
    return json.dumps([response.status_code, body.decode("latin-1"), list(response.headers.items())])


class _Replayed(Response):
    """An answer once more: unlike a `Reply` it can be all that a handler's own `Response` was."""

    default_mimetype = None


def _decoded(text):
    status, body, headers = json.loads(text)
    return _Replayed(body.encode("latin-1"), status, [*headers, ("Idempotent-Replayed", "true")])
