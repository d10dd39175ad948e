"""Stock Nameko's airports service: the tutorial's, with a write acknowledged by replicas as ours is."""

import os
import uuid

from nameko.rpc import rpc
from nameko_redis import Redis

REPLICAS = int(os.environ["REDIS_REPLICAS"])
WAIT_MS = 2000


class AirportsService:
    name = "airports_service"

    redis = Redis("development")

    @rpc
    def get(self, airport_id):
        return self.redis.get(f"airport:{airport_id}")

    @rpc
    def create(self, airport):
        airport_id = uuid.uuid4().hex
        with self.redis.pipeline(transaction=False) as pipeline:
            pipeline.set(f"airport:{airport_id}", airport)
            pipeline.execute_command("WAIT", REPLICAS, WAIT_MS)
            _, acknowledged = pipeline.execute()
        if acknowledged < REPLICAS:
            raise RuntimeError(f"Only {acknowledged} of {REPLICAS} replicas have the write.")
        return airport_id
