"""Smoke calls: what an instance must answer before it takes anybody's calls (`chassis.prove`).

They write where everybody's airports are: an airport that is deleted again, whatever becomes of the rest.
"""

from contextlib import suppress
from uuid import uuid4

from chassis.calls import CurrentCall
from chassis.errors import NotFound

NAME = "Smoke test"


def smoke(instance):
    """Create an airport, find it, list one, delete it."""
    call_id = uuid4().hex
    # Known before it is made: a creation that too few replicas have fails, and leaves it there all the same.
    airport_id = CurrentCall(f"airports_service.create.{call_id}").new_id()
    try:
        created = instance.call_as(call_id, "create", NAME)
        assert created == airport_id, f"expected the id that the call's makes, {airport_id}, found {created!r}"
        name = instance.call("get", airport_id)
        assert name == NAME, f"expected {NAME!r}, found {name!r}"
        page = instance.call("list", limit=1)
        # Not necessarily ours, nor any: what is first may be deleted while it is listed.
        assert set(page) == {"airports", "next"}, f"expected airports and next, found {page!r}"
        assert len(page["airports"]) <= 1, f"expected one airport at most, found {page!r}"
        assert all(set(one) == {"id", "airport"} for one in page["airports"]), (
            f"expected id and airport, found {page!r}"
        )
    except BaseException:
        with suppress(Exception):  # the first error is the one to tell
            instance.call("delete", airport_id)
        raise
    instance.call("delete", airport_id)
    with suppress(NotFound):
        name = instance.call("get", airport_id)
        raise AssertionError(f"expected NotFound of an airport that was deleted, found {name!r}")
