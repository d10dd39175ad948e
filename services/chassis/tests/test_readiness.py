"""Readiness where Nameko's own use of the broker is concerned: each case is staged."""

from types import SimpleNamespace

import pytest
from chassis.instance import Instance
from chassis.readiness import Readiness
from chassis.stock import hold_back
from nameko.messaging import QueueConsumer


def report(channel):
    queue_consumer = QueueConsumer()
    hold_back(queue_consumer, lambda: True)
    queue_consumer._channel = channel
    queue_consumer._consumers_ready.send()
    container = SimpleNamespace(
        extensions=[queue_consumer], dependencies=[], config={}, taking=queue_consumer.taking, _worker_threads={}
    )
    return Readiness(container, Instance("tried@here", "tried", "1.0.0")).report()


def test_ready_while_it_is_connected():
    assert report(SimpleNamespace(connection=object()))[0] == 200


@pytest.mark.parametrize("channel", [None, SimpleNamespace(connection=None)])
def test_not_ready_before_it_is_connected_or_after_it_lost_the_broker(channel):
    status, body = report(channel)
    assert status == 503
    assert "RabbitMQ" in body["reason"]
