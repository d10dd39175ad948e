"""A connection by itself: what becomes of what is published, delivered, given back, and cut."""

import uuid

import pytest
from chassis.amqp import Address, Connection, ConnectionLost, Outcome
from pamqp import commands

from .conftest import SECONDS, eventually


@pytest.fixture
def connection(there):
    connection = Connection(Address.from_uri(there.uri), 0, "test", lambda _event: None)
    connection.call(commands.Queue.Declare(queue="one", durable=True), commands.Queue.DeclareOk)
    yield connection
    connection.close()


def publish(connection, outcomes, routing_key="one", **options):
    properties = commands.Basic.Properties(correlation_id=str(uuid.uuid4()), delivery_mode=2)
    connection.publish("", routing_key, b"x", properties, outcomes.append, **options)


def test_publications_are_confirmed(connection):
    outcomes = []
    for _ in range(100):
        publish(connection, outcomes)
    eventually(lambda: len(outcomes) == 100)
    assert set(outcomes) == {Outcome.CONFIRMED}


def test_a_mandatory_message_that_no_queue_is_bound_for_comes_back(connection):
    there_is, is_none = [], []
    for _ in range(5):
        publish(connection, is_none, "nobody", mandatory=True)
        publish(connection, there_is, "one", mandatory=True)
    eventually(lambda: len(there_is) == len(is_none) == 5)
    assert (set(is_none), set(there_is)) == ({Outcome.RETURNED}, {Outcome.CONFIRMED})


def test_what_was_not_confirmed_is_lost_with_its_connection(connection, broker_proxy):
    outcomes = []
    broker_proxy.freeze(to_target=False)
    for _ in range(3):
        publish(connection, outcomes)
    broker_proxy.cut()
    eventually(lambda: len(outcomes) == 3)
    assert set(outcomes) == {Outcome.LOST}
    with pytest.raises(ConnectionLost):
        publish(connection, outcomes)
    assert len(outcomes) == 3


def test_messages_given_back_are_delivered_again(connection):
    messages = []
    connection.consume("one", messages.append, prefetch=1)
    publish(connection, [])
    eventually(lambda: messages)
    messages[0].requeue()
    eventually(lambda: len(messages) == 2)
    assert [message.redelivered for message in messages] == [False, True]
    messages[1].ack()


def test_no_more_than_the_prefetched_messages_come(connection):
    messages, outcomes = [], []
    for _ in range(5):
        publish(connection, outcomes)
    eventually(lambda: len(outcomes) == 5)
    tag = connection.consume("one", messages.append, prefetch=2)
    eventually(lambda: len(messages) == 2)
    messages[0].ack()
    eventually(lambda: len(messages) == 3)
    connection.cancel(tag)
    messages[1].ack()
    publish(connection, outcomes)
    eventually(lambda: len(outcomes) == 6)
    assert len(messages) == 3


def test_what_the_broker_refuses_ends_the_connection_with_its_reason(connection):
    with pytest.raises(Exception, match="inequivalent arg 'durable'"):
        connection.call(commands.Queue.Declare(queue="one", durable=False), commands.Queue.DeclareOk)
    assert connection.lost.ready()


def test_a_consumer_whose_queue_is_gone_ends_the_connection(connection, rabbitmq, vhost):
    connection.consume("one", lambda _message: None)
    with rabbitmq.connect(vhost) as other:
        other.channel().queue_delete("one")
    assert "its queue is gone" in str(connection.lost.wait(SECONDS))


def test_a_closed_connection_sends_what_was_unsent(connection, rabbitmq, vhost):
    outcomes = []
    publish(connection, outcomes)
    connection.close()
    assert rabbitmq.depth(vhost, "one") == 1
    assert len(outcomes) == 1


def test_closing_a_frozen_connection_ends(connection, broker_proxy):
    broker_proxy.freeze()
    connection.close()
    assert connection.lost.ready()


@pytest.mark.parametrize("prefetch", [1, 3, 8])
def test_acknowledgements_that_wait_for_others_keep_no_message_from_coming(connection, monkeypatch, prefetch):
    monkeypatch.setattr("chassis.amqp.connection.ACK_PAUSE", 10 * SECONDS)
    came = []
    connection.consume("one", lambda message: (came.append(message), message.ack()), prefetch=prefetch)
    for _ in range(30):
        publish(connection, [])
    eventually(lambda: len(came) == 30)


def test_an_acknowledgement_without_others_goes_in_a_moment(connection):
    came = []
    connection.consume("one", came.append, prefetch=8)
    for _ in range(9):
        publish(connection, [])
    eventually(lambda: len(came) == 8)
    came[0].ack()
    eventually(lambda: len(came) == 9)
