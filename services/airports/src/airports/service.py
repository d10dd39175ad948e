"""The airports service: names by id, never deleted while a trip refers to them."""

import uuid

from chassis.checks import LIMIT, checked_name, is_id
from chassis.errors import Conflict, NotFound
from chassis.paging import page_of_ids
from chassis.redis import OPTIONS, redis_errors, run_acknowledged
from nameko.dependency_providers import Config
from nameko.rpc import rpc
from nameko_redis import Redis

from airports import scripts

INDEX = "airports:index"


class AirportsService:
    """Creates, finds, lists and deletes airports. A change is answered once it is on enough replicas."""

    name = "airports_service"

    config = Config()
    redis = Redis("redis", **OPTIONS)

    @rpc
    def create(self, airport):
        """Store an airport's name and return its new id; `Invalid` for what is no name."""
        checked_name(airport, "airport")
        airport_id = uuid.uuid4().hex
        self._write(scripts.CREATE, [_key(airport_id), "airports:sequence", INDEX], [airport_id, airport])
        return airport_id

    @rpc
    def get(self, airport_id):
        """Return the name of an airport; `NotFound` if there is none of that id."""
        with redis_errors():
            airport = self.redis.get(_key(airport_id)) if is_id(airport_id) else None
        if airport is None:
            raise _not_found()
        return airport

    @rpc
    def list(self, limit=LIMIT, cursor=None):
        """Return up to `limit` airports in the order of creation, and the cursor of the next page or None."""
        ids, following = page_of_ids(self.redis, INDEX, limit, cursor)
        with redis_errors():
            names = self.redis.mget(map(_key, ids)) if ids else []
        # One deleted since the ids were read has no name any more.
        pairs = zip(ids, names, strict=True)
        airports = [{"id": airport_id, "airport": name} for airport_id, name in pairs if name is not None]
        return {"airports": airports, "next": following}

    @rpc
    def delete(self, airport_id):
        """Delete an airport; `NotFound` if there is none of that id, `Conflict` while a trip refers to it."""
        if not is_id(airport_id):
            raise _not_found()
        args = [airport_id, f"airport-trips:{airport_id}"]
        outcome = self._write(scripts.DELETE, [_key(airport_id), INDEX], args)
        if outcome == "unknown":
            raise _not_found()
        if outcome == "in use":
            raise Conflict("A trip refers to this airport: delete the trip first.")

    def _write(self, script, keys, args):
        return run_acknowledged(self.redis, script, keys, args, self.config["REDIS_REPLICAS"])


def _key(airport_id):
    return f"airport:{airport_id}"


def _not_found():
    return NotFound("There is no airport with this id.")
