"""Readiness where the broker is concerned: Nameko keeps no state of its connection, so each case is staged."""

from types import SimpleNamespace

import pytest
from chassis.instance import Instance
from chassis.readiness import Readiness
from nameko.messaging import QueueConsumer


def report(consumers):
    queue_consumer = QueueConsumer()
    queue_consumer._consumers = dict(enumerate(consumers))
    container = SimpleNamespace(extensions=[queue_consumer], dependencies=[], config={})
    return Readiness(container, Instance("tried@here", "tried", "1.0.0")).report()


def consumer(channel):
    return SimpleNamespace(channel=channel)


CONNECTED = consumer(SimpleNamespace(connection=object()))
LOST = consumer(SimpleNamespace(connection=None))


def test_ready_while_it_consumes():
    assert report([CONNECTED, CONNECTED])[0] == 200


@pytest.mark.parametrize("consumers", [[], [LOST], [CONNECTED, LOST], [consumer(None)]])
def test_not_ready_before_it_consumes_or_after_it_lost_the_broker(consumers):
    status, body = report(consumers)
    assert status == 503
    assert "RabbitMQ" in body["reason"]
