"""FastStream's airports service: a subscriber for each method, whose reply goes where the request says.

Pages named here are of its documentation, https://faststream.ag2.ai/latest/.
"""

import os

import uvloop
from faststream import FastStream
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitQueue, RabbitResponse
from store import Store

PREFETCH = 100

broker = RabbitBroker(
    os.environ["AMQP_URI"],
    # "Concurrency and Prefetch"; handlers run at once, as many as there are messages. Confirms are the default.
    default_channel=Channel(prefetch_count=PREFETCH),
    apply_types=False,  # "Subscription Basics": no pass through pydantic; there is nothing to cast
    logger=None,  # "Application and Access Logging": no line a message
)
store = Store()


# "Consuming Acknowledgements": what a handler has taken is acknowledged once it and its reply's publication are done.
@broker.subscriber(RabbitQueue("airports.get", queue_type=QueueType.QUORUM, durable=True))
async def get(airport_id):
    return RabbitResponse(await store.get(airport_id), persist=True)


@broker.subscriber(RabbitQueue("airports.create", queue_type=QueueType.QUORUM, durable=True))
async def create(airport):
    return RabbitResponse(await store.create(airport), persist=True)


if __name__ == "__main__":
    uvloop.run(FastStream(broker, logger=None).run())
