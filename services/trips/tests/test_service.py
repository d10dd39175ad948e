"""Trips in a real Redis, as the user that the fleet gives the service, beside the airports service."""

import threading

import pytest
from airports.service import AirportsService
from chassis.calls import CurrentCall
from chassis.errors import Conflict, NotFound, Unavailable, Unprocessable
from chassis.testing.calls import Calls
from nameko.testing.services import worker_factory
from redis.exceptions import NoPermissionError
from trips.service import TOMBSTONE, TripsService

UNKNOWN = "0" * 32


def make(service_cls, server, user):
    client = server.service_client(user)
    return worker_factory(service_cls, redis=client, call=Calls(), config={"REDIS_REPLICAS": 0})


@pytest.fixture
def airports(redis_server):
    service = make(AirportsService, redis_server, "airports")
    yield service
    service.redis.close()


@pytest.fixture
def trips(redis_server):
    service = make(TripsService, redis_server, "trips")
    yield service
    service.redis.close()


@pytest.fixture
def pair(airports):
    return airports.create("Tehran"), airports.create("Isfahan")


@pytest.fixture
def admin(redis_server):
    with redis_server.client() as client:
        yield client


def test_a_trip_has_the_airports_it_was_given(trips, pair):
    trip_id = trips.create(*pair)
    assert len(trip_id) == 32
    assert trips.get(trip_id) == {"from": pair[0], "to": pair[1]}


@pytest.mark.parametrize("other", [UNKNOWN, "", "x", None, 7, ["x"]])
def test_a_trip_needs_two_airports_that_exist(trips, pair, admin, other):
    before = sorted(admin.keys())
    for airports in ((pair[0], other), (other, pair[0]), (other, other)):
        with pytest.raises(Unprocessable):
            trips.create(*airports)
    assert sorted(admin.keys()) == before


def test_a_trip_needs_two_different_airports(trips, pair):
    with pytest.raises(Unprocessable, match="different"):
        trips.create(pair[0], pair[0])


@pytest.mark.parametrize("trip_id", [UNKNOWN, "", "index", None, 7])
def test_an_id_that_no_trip_has_is_not_found(trips, trip_id):
    with pytest.raises(NotFound):
        trips.get(trip_id)
    with pytest.raises(NotFound):
        trips.delete(trip_id)


def test_trips_are_listed_in_the_order_of_their_creation(trips, pair):
    there, back = pair, pair[::-1]
    created = [{"id": trips.create(*way), "from": way[0], "to": way[1]} for way in (there, back, there)]
    first = trips.list(limit=2)
    assert first["trips"] == created[:2]
    assert trips.list(2, first["next"]) == {"trips": created[2:], "next": None}


def test_an_empty_list(trips):
    assert trips.list() == {"trips": [], "next": None}


def test_an_airport_stays_until_its_last_trip_is_gone(trips, airports, pair):
    first, second = trips.create(*pair), trips.create(*reversed(pair))
    trips.delete(first)
    for airport_id in pair:
        with pytest.raises(Conflict):
            airports.delete(airport_id)
    trips.delete(second)
    for airport_id in pair:
        airports.delete(airport_id)


def test_a_deleted_trip_leaves_nothing_behind(trips, pair, admin):
    before = sorted(admin.keys())
    trip_id = trips.create(*pair)
    trips.delete(trip_id)
    with pytest.raises(NotFound):
        trips.delete(trip_id)
    assert sorted(admin.keys()) == sorted([*before, "trips:sequence", f"trip:deleted:{trip_id}"])
    assert 0 < admin.ttl(f"trip:deleted:{trip_id}") <= TOMBSTONE


def test_the_same_creation_again_finds_what_it_made(trips, pair, admin):
    with trips.call.repeated():
        trip_id = trips.create(*pair)
        before = sorted(admin.keys()), admin.get("trips:sequence")
        assert trips.create(*pair) == trip_id
    assert (sorted(admin.keys()), admin.get("trips:sequence")) == before
    assert trips.list()["trips"] == [{"id": trip_id, "from": pair[0], "to": pair[1]}]
    assert trips.create(*pair) != trip_id


@pytest.mark.parametrize("way", [(1, 0), (0, 2), (2, 1)])
def test_the_same_creation_of_another_trip_is_a_conflict_that_changes_nothing(trips, airports, pair, admin, way):
    ids = [*pair, airports.create("Shiraz")]
    with trips.call.repeated():
        trip_id = trips.create(*pair)
        before = sorted(admin.keys())
        with pytest.raises(Conflict, match="Another trip"):
            trips.create(*(ids[number] for number in way))
    assert trips.get(trip_id) == {"from": pair[0], "to": pair[1]}
    assert sorted(admin.keys()) == before


def test_the_same_creation_again_does_not_bring_a_deleted_trip_back(trips, airports, pair):
    with trips.call.repeated() as creation:
        trip_id = trips.create(*pair)
    trips.delete(trip_id)
    for airport_id in pair:
        airports.delete(airport_id)
    trips.call = CurrentCall(creation)
    assert trips.create(*pair) == trip_id
    assert trips.list()["trips"] == []
    with pytest.raises(NotFound):
        trips.get(trip_id)


def test_the_same_deletion_again_succeeds_and_another_finds_nothing(trips, airports, pair):
    trip_id = trips.create(*pair)
    with trips.call.repeated():
        trips.delete(trip_id)
        trips.delete(trip_id)
    with pytest.raises(NotFound):
        trips.delete(trip_id)
    for airport_id in pair:  # not even a set of references is left
        airports.delete(airport_id)


def test_no_trip_ever_refers_to_a_deleted_airport(redis_server, airports, admin):
    """One thread makes trips from airports that others delete at the same time; each has its own connection."""
    stays = airports.create("stays")
    doomed = [airports.create(f"doomed {number}") for number in range(100)]
    trips = make(TripsService, redis_server, "trips")
    start = threading.Barrier(2)

    def delete():
        others = make(AirportsService, redis_server, "airports")
        start.wait()
        for airport_id in doomed:
            try:
                others.delete(airport_id)
            except Conflict:
                continue
        others.redis.close()

    thread = threading.Thread(target=delete)
    thread.start()
    start.wait()
    for airport_id in doomed:
        try:
            trips.create(stays, airport_id)
        except Unprocessable:
            continue
    thread.join()
    trips.redis.close()
    for trip_id in admin.zrange("trips:index", 0, -1):
        assert admin.exists(f"airport:{admin.hget(f'trip:{trip_id}', 'to')}")
    for key in admin.scan_iter("airport-trips:*"):
        assert admin.exists(key.replace("airport-trips:", "airport:"))


def test_the_service_may_not_touch_what_is_the_airports_services(trips, pair):
    with pytest.raises(NoPermissionError):
        trips.redis.set(f"airport:{pair[0]}", "renamed")


def test_without_redis_every_call_says_that_it_is_unavailable(primary):
    primary.add_user("trips", "~*")
    service = make(TripsService, primary, "trips")
    primary.process.kill()
    primary.process.wait()
    for call in (
        lambda: service.create(UNKNOWN, "1" * 32),
        lambda: service.get(UNKNOWN),
        lambda: service.list(),
        lambda: service.delete(UNKNOWN),
    ):
        with pytest.raises(Unavailable):
            call()
