"""The smoke calls: they pass on the service, find out another, and write nothing."""

import pytest
from chassis.testing.calls import Calls
from chassis.testing.smoke import InProcessInstance
from nameko.testing.services import worker_factory
from trips.service import TripsService
from trips.smoke import smoke


@pytest.fixture
def trips(redis_server):
    with redis_server.service_client("trips") as client:
        yield worker_factory(TripsService, redis=client, call=Calls(), config={"REDIS_REPLICAS": 0})


def test_they_pass_and_write_nothing(trips, redis_server):
    smoke(InProcessInstance(trips))
    with redis_server.client() as admin:
        assert admin.dbsize() == 0


@pytest.mark.parametrize(
    ("method", "wrong"),
    [("get", lambda _trip_id: {}), ("list", lambda **_page: {"trips": [{"id": "x"}], "next": None})],
)
def test_they_find_out_one_that_is_wrong(trips, method, wrong):
    setattr(trips, method, wrong)
    with pytest.raises(AssertionError, match="expected"):
        smoke(InProcessInstance(trips))
