"""aio-pika's airports service: a durable queue, acknowledged once the reply is confirmed."""

import asyncio
import json
import os

import aio_pika
import uvloop
from store import Store

PREFETCH = 100


async def main():
    store = Store()
    methods = {"get": store.get, "create": store.create}
    connection = await aio_pika.connect_robust(os.environ["AMQP_URI"])

    async def answer(message):
        async with message.process():
            call = json.loads(message.body)
            try:
                reply = {"result": await methods[call["method"]](call["argument"])}
            except Exception as error:  # noqa: BLE001 - whatever it was, the caller waits to hear of it
                reply = {"error": str(error)}
            await channel.default_exchange.publish(
                aio_pika.Message(
                    json.dumps(reply).encode(),
                    content_type="application/json",
                    correlation_id=message.correlation_id,
                    delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                ),
                routing_key=message.reply_to,
            )

    async with connection:
        channel = await connection.channel(publisher_confirms=True)
        await channel.set_qos(prefetch_count=PREFETCH)
        queue = await channel.declare_queue("airports", durable=True)
        await queue.consume(answer)
        await asyncio.Future()


if __name__ == "__main__":
    uvloop.run(main())
