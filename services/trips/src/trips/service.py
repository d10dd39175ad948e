"""The trips service: pairs of airports by id. The airports of a trip exist as long as the trip does."""

from typing import TypedDict

from chassis.calls import Call
from chassis.checks import LIMIT, is_id
from chassis.errors import Conflict, NotFound, Unprocessable
from chassis.paging import page_of_ids
from chassis.redis import Redis, redis_errors, run_acknowledged
from chassis.rpc import rpc
from nameko.dependency_providers import Config

from trips import scripts

INDEX = "trips:index"
TOMBSTONE = 25 * 3600  # seconds; longer than the gateway knows an Idempotency-Key, so than any call is repeated


# `from` is a word of Python's, so no class can have a field of that name.
Trip = TypedDict("Trip", {"from": str, "to": str})
ListedTrip = TypedDict("ListedTrip", {"id": str, "from": str, "to": str})


class Trips(TypedDict):
    """A page of the list, and the cursor of the next."""

    trips: list[ListedTrip]
    next: str | None


class TripsService:
    """Creates, finds, lists and deletes trips. A change is answered once it is on enough replicas.

    The same call again, repeated by its caller or delivered twice, changes nothing more and has the same answer.
    """

    name = "trips_service"

    call = Call()
    config = Config()
    redis = Redis("redis")

    @rpc
    def create(self, airport_from_id: str, airport_to_id: str) -> str:
        """Store a trip and return its new id; `Unprocessable` unless both airports exist and differ.

        `Conflict` if the same call has created another trip.
        """
        if not (is_id(airport_from_id) and is_id(airport_to_id)):
            raise _unknown_airport()
        if airport_from_id == airport_to_id:
            raise Unprocessable("A trip needs two different airports.")
        trip_id = self.call.new_id()
        references = map(_references, (airport_from_id, airport_to_id))
        keys = [_key(trip_id), "trips:sequence", INDEX, *references, _tombstone(trip_id)]
        airports = [f"airport:{airport_from_id}", f"airport:{airport_to_id}"]
        args = [trip_id, airport_from_id, airport_to_id, *airports, TOMBSTONE]
        outcome = self._write(scripts.CREATE, keys, args)
        if outcome == "unknown airport":
            raise _unknown_airport()
        if outcome == "another":
            raise Conflict("Another trip was created under this call's id: call under a new one.")
        return trip_id

    @rpc
    def get(self, trip_id: str) -> Trip:
        """Return the ids of a trip's airports as `from` and `to`; `NotFound` if there is no such trip."""
        with redis_errors():
            trip = self.redis.hgetall(_key(trip_id)) if is_id(trip_id) else None
        if not trip:
            raise _not_found()
        return trip

    @rpc
    def list(self, limit: int = LIMIT, cursor: str | None = None) -> Trips:
        """Return up to `limit` trips in the order of creation, and the cursor of the next page or None."""
        ids, following = page_of_ids(self.redis, INDEX, limit, cursor)
        with redis_errors(), self.redis.pipeline(transaction=False) as pipeline:
            for trip_id in ids:
                pipeline.hgetall(_key(trip_id))
            found = pipeline.execute()
        # One deleted since the ids were read is empty.
        trips = [{"id": trip_id, **trip} for trip_id, trip in zip(ids, found, strict=True) if trip]
        return {"trips": trips, "next": following}

    @rpc
    def delete(self, trip_id: str) -> None:
        """Delete a trip; `NotFound` if there is none of that id."""
        if not is_id(trip_id):
            raise _not_found()
        keys = [_key(trip_id), INDEX, _tombstone(trip_id)]
        if self._write(scripts.DELETE, keys, [trip_id, self.call.id, TOMBSTONE]) == "unknown":
            raise _not_found()

    def _write(self, script, keys, args):
        return run_acknowledged(self.redis, script, keys, args, self.config["REDIS_REPLICAS"])


def _key(trip_id):
    return f"trip:{trip_id}"


def _tombstone(trip_id):
    """The key of what is left of a deleted trip: the id of the call that deleted it."""
    return f"trip:deleted:{trip_id}"


def _references(airport_id):
    """The set of ids of the trips that refer to an airport: while it is not empty the airport stays."""
    return f"airport-trips:{airport_id}"


def _not_found():
    return NotFound("There is no trip with this id.")


def _unknown_airport():
    return Unprocessable("A trip needs two airports that exist.")
