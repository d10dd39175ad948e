"""Lists in pages, in the order of creation.

A list is a Redis sorted set of ids scored by the sequence number each got when it was made. A cursor is the
number of the last item seen: it stays right whatever is made or deleted meanwhile.
"""

import base64
import binascii

from chassis.checks import LIMIT_MAX
from chassis.errors import Invalid
from chassis.redis import redis_errors

_SCORE_MAX = 2**53  # a Redis score is a double, which counts exactly up to here


def page_of_ids(client, index, limit, cursor):
    """Return up to `limit` ids of the sorted set `index` after `cursor`, and the next cursor or None.

    Raises `Invalid` for a limit outside 1 to 200 or a cursor that no list gave out.
    """
    if type(limit) is not int or not 1 <= limit <= LIMIT_MAX:
        raise Invalid(f"limit must be a whole number from 1 to {LIMIT_MAX}.")
    after = 0 if cursor is None else _decoded(cursor)
    with redis_errors():
        found = client.zrangebyscore(index, f"({after}", "+inf", start=0, num=limit + 1, withscores=True)
    page = found[:limit]
    more = len(found) > limit
    return [item for item, _ in page], _encoded(int(page[-1][1])) if more else None


def _encoded(number):
    return base64.urlsafe_b64encode(number.to_bytes(7, "big")).decode().rstrip("=")


def _decoded(cursor):
    try:
        number = int.from_bytes(base64.b64decode(f"{cursor}==", altchars="-_", validate=True), "big")
    except (binascii.Error, ValueError):
        number = -1
    if not 0 < number < _SCORE_MAX or _encoded(number) != cursor:
        raise Invalid("cursor must be the `next` of an earlier page.")
    return number
