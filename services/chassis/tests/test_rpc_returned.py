"""Messages that no queue is bound for, at first or for ever."""

import uuid

import eventlet
import pytest
from chassis.errors import Unavailable
from chassis.rpc import returned, rpc, wire
from nameko.exceptions import UnknownService

from .conftest import Raw, eventually


class Echo:
    name = "echo_service"
    echoed = 0

    @rpc
    def echo(self, value):
        Echo.echoed += 1
        return value


@pytest.fixture
def raw(here):
    here.start(Echo, max_workers=2)
    Echo.echoed = 0
    return here.raw()


@pytest.fixture
def undelivered(monkeypatch):
    """The replies that were given up, by their calls' routing keys."""
    given_up = []
    monkeypatch.setattr("chassis.metrics.undelivered", given_up.append)
    return given_up


def call(raw, reply_to, value="x", **properties):
    """Send a call whose reply goes to a key that nothing may be bound for; its id."""
    own = {"correlation_id": str(uuid.uuid4()), "reply_to": reply_to, **properties}
    raw.send("echo_service.echo", {"args": [value], "kwargs": {}}, **own)
    return own["correlation_id"]


def listen(raw, key):
    """Have what is sent to a key come to `raw`."""
    queue = f"late-{key}"
    wire.declare_queue(raw.connection, {}, queue, key, exclusive=True)
    raw.connection.consume(queue, raw._keep, no_ack=True)


def test_a_reply_that_is_quicker_than_its_binding_arrives(raw, undelivered):
    key = f"late-{uuid.uuid4()}"
    call_id = call(raw, key)
    eventually(lambda: Echo.echoed)
    listen(raw, key)
    assert raw.reply(call_id) == {"result": "x", "error": None}
    assert (Echo.echoed, undelivered) == (1, [])


def test_callers_that_are_gone_hold_nobody_up_and_are_given_up(raw, undelivered, monkeypatch):
    monkeypatch.setattr("chassis.rpc.requests.REPLY_PAUSES", (0.2, 0.3))
    for _ in range(10):  # of two workers
        call(raw, "gone")
    assert raw.call("echo_service.echo", "served") == {"result": "served", "error": None}
    assert undelivered == []
    eventually(lambda: undelivered == ["echo_service.echo"] * 10)
    assert raw.connection.lost.ready() is False


def test_replies_that_would_fill_the_memory_are_given_up_at_once(raw, undelivered, monkeypatch):
    monkeypatch.setattr("chassis.rpc.requests.REPLY_PAUSES", (60,))
    monkeypatch.setattr("chassis.rpc.requests.HELD_MAX", 12_000)
    for _ in range(3):
        call(raw, "gone", "x" * 2000)
    eventually(lambda: len(undelivered) == 1)


def test_a_reply_is_not_sent_again_when_its_caller_has_given_up(raw, undelivered, monkeypatch):
    monkeypatch.setattr("chassis.rpc.requests.REPLY_PAUSES", (60,))
    call(raw, "gone", headers={wire.DEADLINE_HEADER: 300})
    eventually(lambda: undelivered)


def test_a_reply_without_an_id_is_sent_once_for_nobody_could_tell_which_came_back(raw, undelivered, monkeypatch):
    monkeypatch.setattr("chassis.rpc.requests.REPLY_PAUSES", ())
    raw.send("echo_service.echo", {"args": ["x"], "kwargs": {}}, reply_to="gone")
    eventually(lambda: Echo.echoed)
    assert raw.call("echo_service.echo", "next")["result"] == "next"  # confirmed after the one without an id
    assert undelivered == []


def test_a_reply_that_came_back_survives_the_connection(there, rabbitmq, vhost, broker_proxy, undelivered, monkeypatch):
    monkeypatch.setattr("chassis.rpc.requests.REPLY_PAUSES", (60,))
    there.start(Echo, max_workers=2)
    raw = Raw(rabbitmq.uri(vhost))  # past what is cut
    key = f"late-{uuid.uuid4()}"
    Echo.echoed = 0
    call_id = call(raw, key)
    eventually(lambda: Echo.echoed)
    eventlet.sleep(0.1)  # until it has come back
    listen(raw, key)
    broker_proxy.cut()
    broker_proxy.heal()
    assert raw.reply(call_id) == {"result": "x", "error": None}
    assert (Echo.echoed, undelivered) == (1, [])
    raw.close()


def test_a_clean_stop_waits_for_a_reply_that_came_back(here, undelivered):
    service, raw = here.start(Echo, max_workers=2), here.raw()
    key = f"late-{uuid.uuid4()}"
    Echo.echoed = 0
    call_id = call(raw, key)
    eventually(lambda: Echo.echoed)
    stopping = eventlet.spawn(service.stop)
    eventlet.sleep(0.1)
    listen(raw, key)
    assert raw.reply(call_id)["result"] == "x"
    stopping.wait()
    assert undelivered == []


def test_a_service_that_is_bound_a_moment_later_is_called(here, raw):
    taken = []
    proxy = here.calls().late_service.nothing.using(timeout=5)
    reply = proxy.call_async()
    eventlet.sleep(returned.REQUEST_PAUSES[0] / 2)
    wire.declare_queue(raw.connection, {}, "rpc-late_service", "late_service.*", exclusive=True)
    raw.connection.consume("rpc-late_service", taken.append, no_ack=True)
    eventually(lambda: taken)
    body = {"result": "late", "error": None}
    raw.send(taken[0].properties.reply_to, body, correlation_id=taken[0].properties.correlation_id)
    assert reply.result() == "late"
    assert len(taken) == 1


def test_one_that_came_back_is_not_sent_when_its_caller_was_told_that_it_is_off(
    there, rabbitmq, vhost, broker_proxy, monkeypatch
):
    monkeypatch.setattr("chassis.rpc.caller.REQUEST_PAUSES", (0.5,))
    raw, calls = Raw(rabbitmq.uri(vhost)), there.calls()  # past what is cut
    refused = calls.late_service.nothing.using(timeout=5).call_async("first")
    refused.retry = False
    eventlet.sleep(0.1)  # until it has come back
    taken = []
    wire.declare_queue(raw.connection, {}, "rpc-late_service", "late_service.*", exclusive=True)
    raw.connection.consume("rpc-late_service", taken.append, no_ack=True)
    broker_proxy.cut()
    broker_proxy.heal()
    with pytest.raises(Unavailable):
        refused.result()
    eventlet.sleep(0.6)  # beyond the pause
    calls.late_service.nothing.call_async("second")
    eventually(lambda: taken)
    assert [b"second" in message.body for message in taken] == [True]
    raw.close()


def test_one_that_is_not_there_is_told_before_the_deadline(here):
    with pytest.raises(UnknownService):
        here.calls().nobody_service.nothing.using(timeout=0.1)()
