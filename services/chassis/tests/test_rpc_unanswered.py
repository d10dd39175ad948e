"""A call that RabbitMQ or the connection to it leaves without an answer ends in time, and says how."""

import re

import eventlet
import pytest
from chassis.errors import RpcTimeout, Unavailable

from .conftest import eventually
from .slow import Slow


def test_a_lost_reply_is_a_timeout(there, broker_proxy):
    there.start(Slow)
    calls = there.calls(timeout=0.3)
    assert calls.slow_service.wait(0) == 0
    broker_proxy.freeze(to_target=False)
    with pytest.raises(RpcTimeout):
        calls.slow_service.wait(0)


def test_a_frozen_connection_is_a_timeout(there, here, broker_proxy):
    here.start(Slow)
    calls = there.calls(timeout=0.3)
    assert calls.slow_service.wait(0) == 0
    broker_proxy.freeze()
    with pytest.raises(RpcTimeout):
        calls.slow_service.wait(0)
    broker_proxy.heal()
    assert calls.slow_service.wait.using(timeout=10)(0.01) == 0.01


def test_a_service_notices_a_frozen_connection_by_its_silence(there, broker_proxy, caplog):
    container = there.start(Slow, HEARTBEAT=1)
    link = next(one.link for one in container.extensions if hasattr(one, "link"))
    first = link.connection
    broker_proxy.freeze()
    eventually(lambda: link.connection is not first)
    broker_proxy.heal()
    eventually(lambda: link.connection)
    assert "it was silent for 2 s" in caplog.text
    assert there.calls().slow_service.wait(0) == 0


def test_a_script_with_a_heartbeat_notices_a_frozen_connection_by_its_silence(there, here, broker_proxy, caplog):
    here.start(Slow)
    slow = there.calls(timeout=20, HEARTBEAT=1).slow_service
    assert slow.wait(0) == 0
    broker_proxy.freeze()
    reply = slow.wait.call_async(0.01)
    eventually(lambda: "it was silent for 2 s" in caplog.text)
    broker_proxy.heal()
    assert reply.result() == 0.01


def test_much_to_send_on_a_frozen_connection_ends_in_time_too(there, here, broker_proxy):
    here.start(Slow)
    calls = there.calls(timeout=1)
    assert calls.slow_service.wait(0) == 0
    broker_proxy.freeze()
    # More than may wait to be written: later ones wait for room.
    threads = [eventlet.spawn(_outcome, calls.slow_service.wait, "x" * 6 * 2**20) for _ in range(5)]
    assert {thread.wait() for thread in threads} <= {"RpcTimeout", "Unavailable"}


def _outcome(call, *args):
    try:
        return call(*args)
    except Exception as error:  # noqa: BLE001 - to be told
        return type(error).__name__


def test_without_a_broker_a_call_is_unavailable(there, broker_proxy):
    calls = there.calls(timeout=0.3)
    broker_proxy.refuse()
    broker_proxy.cut()
    eventually(lambda: calls.slow_service._caller._connection is None)
    with pytest.raises(Unavailable, match=re.escape("slow_service can't be called: RabbitMQ does not answer.")):
        calls.slow_service.wait(0)


def test_a_call_made_without_a_broker_is_sent_when_it_is_back(there, here, broker_proxy):
    here.start(Slow)
    calls = there.calls(timeout=10)
    broker_proxy.refuse()
    broker_proxy.cut()
    reply = calls.slow_service.wait.call_async(0.01)
    eventlet.sleep(0.1)
    broker_proxy.heal()
    assert reply.result() == 0.01


def test_a_call_that_was_sent_and_then_lost_with_its_broker_is_a_timeout(there, here, broker_proxy):
    here.start(Slow)
    reply = there.calls(timeout=0.5).slow_service.wait.call_async(0.2)
    eventually(lambda: reply.sent)
    broker_proxy.refuse()
    broker_proxy.cut()
    with pytest.raises((RpcTimeout, Unavailable)):
        reply.result()


def test_while_rabbitmq_takes_no_messages_calls_fail_in_time_and_then_go_on(here, rabbitmq):
    here.start(Slow)
    calls = here.calls(timeout=1).slow_service
    assert calls.wait(0) == 0
    rabbitmq.block()
    with pytest.raises(RpcTimeout):
        calls.wait(0)  # the first makes RabbitMQ say so
    eventually(lambda: calls._caller._link.blocked)
    with pytest.raises(Unavailable, match="RabbitMQ takes no messages"):
        calls.wait(0)
    rabbitmq.unblock()
    assert eventually(lambda: _outcome(calls.wait, 0.01)) in (0.01, "Unavailable")
    eventually(lambda: _outcome(calls.wait, 0.01) == 0.01)


def test_much_to_send_while_rabbitmq_takes_no_messages_ends_in_time_too(here, rabbitmq):
    here.start(Slow)
    calls = here.calls(timeout=1).slow_service
    assert calls.wait(0) == 0
    rabbitmq.block()
    threads = [eventlet.spawn(_outcome, calls.wait, "x" * 6 * 2**20) for _ in range(5)]
    assert {thread.wait() for thread in threads} <= {"RpcTimeout", "Unavailable"}
