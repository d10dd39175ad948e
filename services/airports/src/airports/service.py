"""The airports service: names by id, never deleted while a trip refers to them."""

from typing import TypedDict

from chassis.calls import Call
from chassis.checks import LIMIT, checked_name, is_id
from chassis.errors import Conflict, NotFound
from chassis.paging import page_of_ids
from chassis.redis import Redis, redis_errors, run_acknowledged
from chassis.rpc import rpc
from nameko.dependency_providers import Config

from airports import scripts

INDEX = "airports:index"
TOMBSTONE = 25 * 3600  # seconds; longer than the gateway knows an Idempotency-Key, so than any call is repeated


class Airport(TypedDict):
    """An airport in a list."""

    id: str
    airport: str


class Airports(TypedDict):
    """A page of the list, and the cursor of the next."""

    airports: list[Airport]
    next: str | None


class AirportsService:
    """Creates, finds, lists and deletes airports. A change is answered once it is on enough replicas.

    The same call again, repeated by its caller or delivered twice, changes nothing more and has the same answer.
    """

    name = "airports_service"

    call = Call()
    config = Config()
    redis = Redis("redis")

    @rpc
    def create(self, airport: str) -> str:
        """Store an airport's name and return its new id; `Invalid` for what is no name.

        `Conflict` if the same call has created an airport of another name.
        """
        checked_name(airport, "airport")
        airport_id = self.call.new_id()
        keys = [_key(airport_id), "airports:sequence", INDEX, _tombstone(airport_id)]
        if self._write(scripts.CREATE, keys, [airport_id, airport, TOMBSTONE]) == "another":
            raise Conflict("An airport of another name was created under this call's id: call under a new one.")
        return airport_id

    @rpc
    def get(self, airport_id: str) -> str:
        """Return the name of an airport; `NotFound` if there is none of that id."""
        with redis_errors():
            airport = self.redis.get(_key(airport_id)) if is_id(airport_id) else None
        if airport is None:
            raise _not_found()
        return airport

    @rpc
    def list(self, limit: int = LIMIT, cursor: str | None = None) -> Airports:
        """Return up to `limit` airports in the order of creation, and the cursor of the next page or None."""
        ids, following = page_of_ids(self.redis, INDEX, limit, cursor)
        with redis_errors():
            names = self.redis.mget(map(_key, ids)) if ids else []
        # One deleted since the ids were read has no name any more.
        pairs = zip(ids, names, strict=True)
        airports = [{"id": airport_id, "airport": name} for airport_id, name in pairs if name is not None]
        return {"airports": airports, "next": following}

    @rpc
    def delete(self, airport_id: str) -> None:
        """Delete an airport; `NotFound` if there is none of that id, `Conflict` while a trip refers to it."""
        if not is_id(airport_id):
            raise _not_found()
        keys = [_key(airport_id), INDEX, _tombstone(airport_id)]
        args = [airport_id, f"airport-trips:{airport_id}", self.call.id, TOMBSTONE]
        outcome = self._write(scripts.DELETE, keys, args)
        if outcome == "unknown":
            raise _not_found()
        if outcome == "in use":
            raise Conflict("A trip refers to this airport: delete the trip first.")

    def _write(self, script, keys, args):
        return run_acknowledged(self.redis, script, keys, args, self.config["REDIS_REPLICAS"])


def _key(airport_id):
    return f"airport:{airport_id}"


def _tombstone(airport_id):
    """The key of what is left of a deleted airport: the id of the call that deleted it."""
    return f"airport:deleted:{airport_id}"


def _not_found():
    return NotFound("There is no airport with this id.")
