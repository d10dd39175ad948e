"""aio-pika's gateway: the RPC client of its tutorial, with persistent messages, confirms and a deadline."""

import asyncio
import json
import os
import uuid
from contextlib import asynccontextmanager

import aio_pika
from web import SECONDS, make_app


class Airports:
    def __init__(self, exchange, replies):
        self._exchange, self._replies = exchange, replies
        self._waiting = {}

    async def get(self, airport_id):
        return await self._call("get", airport_id)

    async def create(self, airport):
        return await self._call("create", airport)

    def take(self, message):
        """Hand a reply to whoever waits for it."""
        waiting = self._waiting.pop(message.correlation_id, None)
        if waiting and not waiting.done():
            waiting.set_result(message)

    async def _call(self, method, argument):
        correlation_id = uuid.uuid4().hex
        waiting = self._waiting[correlation_id] = asyncio.get_running_loop().create_future()
        message = aio_pika.Message(
            json.dumps({"method": method, "argument": argument}).encode(),
            content_type="application/json",
            correlation_id=correlation_id,
            reply_to=self._replies,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        try:
            async with asyncio.timeout(SECONDS):
                await self._exchange.publish(message, routing_key="airports")
                reply = json.loads((await waiting).body)
        finally:
            self._waiting.pop(correlation_id, None)
        if "error" in reply:
            raise RuntimeError(reply["error"])
        return reply["result"]


@asynccontextmanager
async def connect():
    connection = await aio_pika.connect_robust(os.environ["AMQP_URI"])
    async with connection:
        channel = await connection.channel(publisher_confirms=True)
        replies = await channel.declare_queue(exclusive=True)
        airports = Airports(channel.default_exchange, replies.name)
        await replies.consume(airports.take, no_ack=True)
        yield airports


app = make_app(connect)
