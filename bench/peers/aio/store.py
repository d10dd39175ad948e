"""Airports in Redis, for the contestants on asyncio: the same commands as stock Nameko's service sends."""

import os
import uuid

import redis.asyncio

REPLICAS = int(os.environ["REDIS_REPLICAS"])
WAIT_MS = 2000


class Store:
    def __init__(self):
        self._redis = redis.asyncio.Redis.from_url(os.environ["REDIS_URI"], decode_responses=True)

    async def get(self, airport_id):
        return await self._redis.get(f"airport:{airport_id}")

    async def create(self, airport):
        airport_id = uuid.uuid4().hex
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.set(f"airport:{airport_id}", airport)
            pipeline.execute_command("WAIT", REPLICAS, WAIT_MS)
            _, acknowledged = await pipeline.execute()
        if acknowledged < REPLICAS:
            raise RuntimeError(f"Only {acknowledged} of {REPLICAS} replicas have the write.")
        return airport_id
