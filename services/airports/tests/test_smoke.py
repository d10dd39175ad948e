"""The smoke calls: they pass on the service, find out another, and leave nothing behind."""

import pytest
from airports.service import AirportsService
from airports.smoke import smoke
from chassis.errors import NotEnoughReplicas, NotFound
from chassis.testing.calls import Calls
from chassis.testing.smoke import InProcessInstance
from nameko.testing.services import worker_factory


@pytest.fixture
def make(redis_server):
    """A function that makes the service, with so many replicas to acknowledge its writes."""
    with redis_server.service_client("airports") as client:
        yield lambda replicas=0: worker_factory(
            AirportsService, redis=client, call=Calls(), config={"REDIS_REPLICAS": replicas}
        )


@pytest.fixture
def left(redis_server):
    """A function that returns the keys that are there, but for what the service remembers of deleted airports."""
    with redis_server.client() as admin:
        forgotten = ("airport:deleted:", "airports:sequence")
        yield lambda: [key for key in admin.scan_iter() if not key.startswith(forgotten)]


def test_they_pass_and_leave_nothing_behind(make, left):
    service = make()
    for _ in range(2):
        smoke(InProcessInstance(service, service.call))
    assert left() == []
    assert service.list() == {"airports": [], "next": None}


@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        ("create", lambda _name: "0" * 32),
        ("get", lambda _airport_id: "another"),
        ("list", lambda **_page: {"airports": [{"id": "x"}], "next": None}),
        ("delete", lambda _airport_id: None),
    ],
)
def test_they_find_out_one_that_is_wrong(make, left, method, wrong):
    service = make()
    setattr(service, method, wrong)
    with pytest.raises((AssertionError, NotFound)):
        smoke(InProcessInstance(service, service.call))
    assert method == "delete" or left() == []


def test_an_airport_that_too_few_replicas_have_is_deleted_too(make, left):
    service = make(replicas=1)
    with pytest.raises(NotEnoughReplicas):
        smoke(InProcessInstance(service, service.call))
    assert left() == []
