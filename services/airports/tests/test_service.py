"""Airports in a real Redis, as the user that the fleet gives the service."""

import signal

import pytest
from airports.service import TOMBSTONE, AirportsService
from chassis.calls import CurrentCall
from chassis.errors import Conflict, Invalid, NotEnoughReplicas, NotFound, Unavailable
from chassis.testing.calls import Calls
from nameko.testing.services import worker_factory
from redis.exceptions import NoPermissionError

UNKNOWN = "0" * 32


def make(server, user, replicas=0):
    client = server.service_client(user)
    return worker_factory(AirportsService, redis=client, call=Calls(), config={"REDIS_REPLICAS": replicas})


@pytest.fixture
def airports(redis_server):
    service = make(redis_server, "airports")
    yield service
    service.redis.close()


@pytest.fixture
def admin(redis_server):
    with redis_server.client() as client:
        yield client


def test_an_airport_has_the_name_it_was_given(airports):
    airport_id = airports.create("فرودگاه امام خمینی")
    assert len(airport_id) == 32
    assert airports.get(airport_id) == "فرودگاه امام خمینی"


@pytest.mark.parametrize("name", ["", "x" * 201, "a\0", None, 5])
def test_what_is_no_name_is_not_stored(airports, admin, name):
    with pytest.raises(Invalid, match="airport"):
        airports.create(name)
    assert admin.dbsize() == 0


@pytest.mark.parametrize("airport_id", [UNKNOWN, "", "x", "index", None, 7, {}])
def test_an_id_that_no_airport_has_is_not_found(airports, airport_id):
    with pytest.raises(NotFound):
        airports.get(airport_id)
    with pytest.raises(NotFound):
        airports.delete(airport_id)


def test_airports_are_listed_in_the_order_of_their_creation(airports):
    created = [{"id": airports.create(name), "airport": name} for name in "zaqxsw"]
    first = airports.list(limit=4)
    assert first["airports"] == created[:4]
    assert airports.list(4, first["next"]) == {"airports": created[4:], "next": None}


def test_an_empty_list(airports):
    assert airports.list() == {"airports": [], "next": None}


def test_a_deleted_airport_is_gone_from_everywhere(airports, admin):
    airport_id = airports.create("x")
    airports.delete(airport_id)
    with pytest.raises(NotFound):
        airports.get(airport_id)
    with pytest.raises(NotFound):
        airports.delete(airport_id)
    assert airports.list()["airports"] == []
    # The next one still comes after all that ever were, and a repeat of the call is known for a while.
    assert sorted(admin.keys()) == [f"airport:deleted:{airport_id}", "airports:sequence"]
    assert 0 < admin.ttl(f"airport:deleted:{airport_id}") <= TOMBSTONE


def test_the_same_creation_again_finds_what_it_made(airports, admin):
    with airports.call.repeated():
        airport_id = airports.create("x")
        before = sorted(admin.keys()), admin.get("airports:sequence")
        assert airports.create("x") == airport_id
    assert (sorted(admin.keys()), admin.get("airports:sequence")) == before
    assert airports.list()["airports"] == [{"id": airport_id, "airport": "x"}]
    assert airports.create("x") != airport_id


def test_the_same_creation_with_another_name_is_a_conflict_that_changes_nothing(airports, admin):
    with airports.call.repeated():
        airport_id = airports.create("x")
        before = sorted(admin.keys())
        with pytest.raises(Conflict, match="another name"):
            airports.create("y")
    assert airports.get(airport_id) == "x"
    assert sorted(admin.keys()) == before


def test_the_same_creation_again_does_not_bring_a_deleted_airport_back(airports):
    with airports.call.repeated() as creation:
        airport_id = airports.create("x")
    airports.delete(airport_id)
    airports.call = CurrentCall(creation)
    assert airports.create("x") == airport_id
    assert airports.list()["airports"] == []
    with pytest.raises(NotFound):
        airports.get(airport_id)


def test_the_same_deletion_again_succeeds_and_another_finds_nothing(airports):
    airport_id = airports.create("x")
    with airports.call.repeated():
        airports.delete(airport_id)
        airports.delete(airport_id)
    with pytest.raises(NotFound):
        airports.delete(airport_id)


def test_a_repeat_is_not_acknowledged_either_before_enough_replicas_have_it(primary, replica):
    primary.add_user("airports", "~*")
    first, again = make(primary, "airports", replicas=1), make(primary, "airports", replicas=1)
    gone = first.create("gone")
    again.call = first.call
    for change in (lambda service: service.create("x"), lambda service: service.delete(gone)):
        replica.process.send_signal(signal.SIGSTOP)
        with first.call.repeated():
            for service in (first, again):
                with pytest.raises(NotEnoughReplicas):
                    change(service)
            replica.process.send_signal(signal.SIGCONT)
            change(again)
    for service in (first, again):
        service.redis.close()


def test_an_airport_that_a_trip_refers_to_stays(airports, admin):
    airport_id = airports.create("x")
    admin.sadd(f"airport-trips:{airport_id}", "trip")
    with pytest.raises(Conflict):
        airports.delete(airport_id)
    assert airports.get(airport_id) == "x"
    assert airports.list()["airports"] == [{"id": airport_id, "airport": "x"}]
    admin.srem(f"airport-trips:{airport_id}", "trip")
    airports.delete(airport_id)


def test_the_service_may_not_touch_what_is_the_trips_services(airports):
    with pytest.raises(NoPermissionError):
        airports.redis.sadd(f"airport-trips:{UNKNOWN}", "trip")


def test_nothing_is_acknowledged_that_too_few_replicas_have(redis_server):
    service = make(redis_server, "airports", replicas=1)
    with pytest.raises(NotEnoughReplicas):
        service.create("x")
    service.redis.close()


def test_without_redis_every_call_says_that_it_is_unavailable(primary):
    primary.add_user("airports", "~*")
    service = make(primary, "airports")
    primary.process.kill()
    primary.process.wait()
    for call in (
        lambda: service.create("x"),
        lambda: service.get(UNKNOWN),
        lambda: service.list(),
        lambda: service.delete(UNKNOWN),
    ):
        with pytest.raises(Unavailable):
            call()
