"""Smoke calls: what an instance must answer before it takes anybody's calls (`chassis.prove`).

They only read: a trip needs two airports, which are another service's.
"""

from contextlib import suppress
from uuid import uuid4

from chassis.errors import NotFound


def smoke(instance):
    """Look for a trip that there is not, and list one."""
    with suppress(NotFound):
        trip = instance.call("get", uuid4().hex)
        raise AssertionError(f"expected NotFound of a trip that there is not, found {trip!r}")
    page = instance.call("list", limit=1)
    assert set(page) == {"trips", "next"}, f"expected trips and next, found {page!r}"
    assert len(page["trips"]) <= 1, f"expected one trip at most, found {page!r}"
    assert all(set(one) == {"id", "from", "to"} for one in page["trips"]), f"expected id, from and to, found {page!r}"
