"""FastStream's gateway, with a queue of its own for replies.

"RPC over RMQ", https://faststream.ag2.ai/latest/rabbit/rpc/, section "Reply-To": a permanent request-reply flow should
have a permanent queue for its responses. `broker.request` makes one call at a time: see faststream_request_gateway.py.
How replies find who waits for them is its maintainer's, https://github.com/ag2ai/faststream/issues/1318.
"""

import asyncio
import os
import uuid

from faststream import AckPolicy
from faststream.rabbit import RabbitBroker, RabbitQueue
from faststream_web import make_gateway
from web import SECONDS

replies = RabbitQueue(f"replies-{uuid.uuid4().hex}", exclusive=True)
# As in faststream_airports.py; what would be `Context` in a handler's signature is then asked for,
# see "Application and Access Logging".
broker = RabbitBroker(os.environ["AMQP_URI"], apply_types=False, logger=None)
waiting = {}


@broker.subscriber(replies, ack_policy=AckPolicy.ACK_FIRST, no_reply=True)
async def take(body):
    """Hand a reply to whoever waits for it."""
    message = broker.context.get_local("message")
    future = waiting.pop(message.correlation_id, None)
    if future and not future.done():
        future.set_result(body)


async def call(queue, argument):
    correlation_id = uuid.uuid4().hex
    future = waiting[correlation_id] = asyncio.get_running_loop().create_future()
    try:
        async with asyncio.timeout(SECONDS):
            await broker.publish(argument, queue, reply_to=replies.name, correlation_id=correlation_id, persist=True)
            return await future
    finally:
        waiting.pop(correlation_id, None)


app = make_gateway(broker, call)
