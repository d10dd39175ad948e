"""Celery's airports service: two tasks, which its gateway imports, too, as Celery's users do."""

import os
import uuid

import redis
from celery import Celery

REPLICAS = int(os.environ["REDIS_REPLICAS"])
WAIT_MS = 2000

# https://docs.celeryq.dev/en/stable/internals/reference/celery.backends.rpc.html: "using reply-to and one queue per
# client", which is a thread here (`thread_oid` in celery/app/base.py).
app = Celery("airports", broker=os.environ["AMQP_URI"], backend="rpc://")
app.conf.update(
    # "Using RabbitMQ", https://docs.celeryq.dev/en/stable/getting-started/backends-and-brokers/rabbitmq.html, section
    # "Using Quorum Queues"; that the worker notices them is the default.
    task_default_queue="airports",
    task_default_queue_type="quorum",
    # Tasks' messages are persistent by default, results' are not.
    result_persistent=True,
    # kombu's documentation of its transport pyamqp, section "Publisher confirms".
    broker_transport_options={"confirm_publish": True},
    # Acknowledged after the task, and so after its result's publication (celery/app/trace.py).
    task_acks_late=True,
    # "Optimizing", https://docs.celeryq.dev/en/stable/userguide/optimizing.html, section "Broker Connection Pools": as
    # many connections as threads use them.
    broker_pool_limit=int(os.environ["WORKERS"]),
)
store = redis.Redis.from_url(os.environ["REDIS_URI"], decode_responses=True)


@app.task
def get(airport_id):
    return store.get(f"airport:{airport_id}")


@app.task
def create(airport):
    airport_id = uuid.uuid4().hex
    with store.pipeline(transaction=False) as pipeline:
        pipeline.set(f"airport:{airport_id}", airport)
        pipeline.execute_command("WAIT", REPLICAS, WAIT_MS)
        _, acknowledged = pipeline.execute()
    if acknowledged < REPLICAS:
        raise RuntimeError(f"Only {acknowledged} of {REPLICAS} replicas have the write.")
    return airport_id
