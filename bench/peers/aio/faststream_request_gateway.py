"""FastStream's gateway as the first example of "RPC over RMQ" has it: `broker.request`, over direct reply-to.

It makes one call after the other, however many are asked for: https://github.com/ag2ai/faststream/issues/1318.
"""

import os

from faststream.rabbit import RabbitBroker
from faststream_web import make_gateway
from web import SECONDS

broker = RabbitBroker(os.environ["AMQP_URI"], apply_types=False, logger=None)


async def call(queue, argument):
    reply = await broker.request(argument, queue, timeout=SECONDS, persist=True)
    return await reply.decode()


app = make_gateway(broker, call)
