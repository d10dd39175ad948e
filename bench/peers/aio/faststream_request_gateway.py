"""FastStream's gateway as the first example of "RPC over RMQ" has it: `broker.request`, over direct reply-to.

It makes one call after the other, however many are asked for: https://github.com/ag2ai/faststream/issues/1318.
"""

import os
from contextlib import asynccontextmanager

from faststream.rabbit import RabbitBroker
from web import SECONDS, make_app

broker = RabbitBroker(os.environ["AMQP_URI"], apply_types=False, logger=None)


class Airports:
    async def get(self, airport_id):
        return await self._call("airports.get", airport_id)

    async def create(self, airport):
        return await self._call("airports.create", airport)

    @staticmethod
    async def _call(queue, argument):
        reply = await broker.request(argument, queue, timeout=SECONDS, persist=True)
        return await reply.decode()


@asynccontextmanager
async def connect():
    await broker.start()
    try:
        yield Airports()
    finally:
        await broker.stop()


app = make_app(connect)
