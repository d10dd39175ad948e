"""Calls while connections break: each ends with its own result, in time, and new ones work when they heal."""

import itertools
from collections import Counter

import eventlet
import pytest
from chassis.amqp import Address, Link
from chassis.errors import RpcTimeout, Unavailable
from chassis.rpc import RpcProxy, wire
from nameko.exceptions import MethodNotFound

from .conftest import eventually
from .work import TIMEOUT, Boss, Work, assert_rules_kept, link_of, requests_of


@pytest.fixture(autouse=True)
def _nothing_done():
    Work.done, Work.going_on = Counter(), eventlet.event.Event()


@pytest.fixture
def work(here):
    """A caller on an unbroken connection."""
    here.start(Work)
    return here.calls().work_service


def test_a_call_goes_on_when_its_callers_connection_is_cut(here, there, broker_proxy):
    here.start(Work)
    work = there.calls().work_service
    reply = work.wait.call_async(5)
    eventually(lambda: Work.done)
    broker_proxy.cut()
    Work.going_on.send()
    assert reply.result() == 5


def test_a_call_goes_on_when_its_services_connection_is_cut(here, there, broker_proxy):
    there.start(Work)
    reply = here.calls().work_service.wait.call_async(5)
    eventually(lambda: Work.done)
    broker_proxy.cut()
    Work.going_on.send()
    assert reply.result() == 5


def test_a_call_in_hand_that_is_delivered_again_is_done_once(here, there, broker_proxy, rabbitmq, vhost):
    container = there.start(Work)
    reply = here.calls().work_service.wait.call_async(5)
    eventually(lambda: Work.done)
    for _ in range(3):
        broker_proxy.cut()
        # Redelivered, and added to the request in hand.
        (request,) = requests_of(container)._in_hand.values()
        before = len(request._deliveries)
        eventually(lambda request=request, before=before: len(request._deliveries) > before)
    Work.going_on.send()
    assert reply.result() == 5
    eventually(lambda: not requests_of(container)._in_hand)
    assert list(Work.done.values()) == [1]
    assert rabbitmq.depth(vhost, "rpc-work_service") == 0


def test_a_reply_that_was_not_confirmed_is_published_again(here, there, broker_proxy):
    container = there.start(Work)
    work = here.calls().work_service
    reply = work.wait.call_async(5)
    eventually(lambda: Work.done)
    broker_proxy.freeze()  # the reply does not reach the broker
    Work.going_on.send()
    (request,) = requests_of(container)._in_hand.values()
    eventually(lambda: request._answer)
    broker_proxy.cut()
    broker_proxy.heal()
    assert reply.result() == 5


def test_a_request_is_acknowledged_once_its_reply_is_confirmed(here, there, broker_proxy, rabbitmq, vhost):
    container = there.start(Work)
    work = here.calls().work_service
    reply = work.wait.call_async(5)
    eventually(lambda: Work.done)
    broker_proxy.freeze(to_target=False)  # replies reach the broker; what it says to them does not come back
    Work.going_on.send()
    assert reply.result() == 5
    eventlet.sleep(0.2)  # in which one that came too early would have arrived
    assert len(requests_of(container)._in_hand) == 1
    assert _unacknowledged(rabbitmq, vhost) == 1

    broker_proxy.heal()
    eventually(lambda: not requests_of(container)._in_hand)
    eventually(lambda: _unacknowledged(rabbitmq, vhost) == 0)


def _unacknowledged(rabbitmq, vhost):
    text = rabbitmq.evaluate(
        f'{{ok, Q}} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"{vhost}">>, queue, <<"rpc-work_service">>)), '
        "proplists:get_value(messages_unacknowledged, rabbit_amqqueue:info(Q, [messages_unacknowledged]))"
    )
    return int(text)


def test_an_acknowledgement_for_an_ended_connection_is_dropped(here, there, broker_proxy, caplog):
    caplog.set_level("WARNING")
    container = there.start(Work)
    work = here.calls().work_service
    replies = [work.wait.call_async(number) for number in range(5)]
    eventually(lambda: len(Work.done) == 5)
    broker_proxy.cut()
    eventually(lambda: link_of(container).connection)
    Work.going_on.send()
    assert [reply.result() for reply in replies] == list(range(5))
    assert work.do(7) == 7
    eventually(lambda: not requests_of(container)._in_hand)
    assert_rules_kept(caplog.records)


def test_without_retry_a_call_that_may_be_lost_is_unavailable(here, there, broker_proxy):
    here.start(Work)
    cluster = there.calls()
    proxy = cluster.work_service
    proxy._options = {"retry": False}
    reply = proxy.wait.call_async(5)
    eventually(lambda: Work.done)
    broker_proxy.cut()
    with pytest.raises(Unavailable, match="the connection was lost, and with it perhaps the reply"):
        reply.result()
    Work.going_on.send()


def test_with_repeat_after_a_lost_reply_is_asked_for_again(here):
    here.start(Work)
    raw, calls = here.raw(), here.calls(RPC_REPEAT_AFTER=0.2)
    taken = []

    def answer_the_second(message):
        taken.append(message)
        if len(taken) == 2:
            own = {"correlation_id": message.properties.correlation_id}
            eventlet.spawn(raw.send, message.properties.reply_to, {"result": "second", "error": None}, **own)

    wire.declare_queue(raw.connection, {}, "deaf", "deaf_service.*", exclusive=True)
    raw.connection.consume("deaf", answer_the_second, no_ack=True)
    assert calls.deaf_service.anything() == "second"
    first, second = taken
    assert first.properties.correlation_id == second.properties.correlation_id


def test_without_retry_a_call_is_sent_once_whatever_the_setting(here):
    raw, proxy, taken = here.raw(), here.calls(RPC_REPEAT_AFTER=0.05, timeout=0.5).deaf_service, []
    proxy._options = {"retry": False}
    wire.declare_queue(raw.connection, {}, "deaf", "deaf_service.*", exclusive=True)
    raw.connection.consume("deaf", taken.append, no_ack=True)
    with pytest.raises(RpcTimeout):
        proxy.anything()
    assert len(taken) == 1


def test_a_proxy_that_never_retries_and_repeats_is_refused():
    with pytest.raises(ValueError, match="leave repeat_after out"):
        RpcProxy("work_service", retry=False, repeat_after=1)


def test_replies_to_calls_that_wait_in_the_queue_at_the_start_are_sent(here, rabbitmq, vhost):
    # The service is a caller, too: its parts are set up one after the other, and calls come before the last is.
    first = here.start(Boss)
    first.stop()
    here.start(Work)
    calls = here.calls()
    replies = [calls.boss_service.do.call_async(number) for number in range(20)]
    unknown = [calls.boss_service.nothing.call_async() for _ in range(20)]
    eventually(lambda: rabbitmq.depth(vhost, "rpc-boss_service") == 40)
    here.start(Boss)
    assert [reply.result() for reply in replies] == list(range(20))
    for reply in unknown:
        with pytest.raises(MethodNotFound):
            reply.result()


class SlowToSetUp:
    """Part of a link, as one whose declarations take long."""

    def __init__(self):
        self.set_up_now = eventlet.event.Event()

    def set_up(self, _connection):
        self.set_up_now.wait()

    def lost(self):
        pass

    def settle(self, _seconds):
        pass


def test_calls_made_while_others_are_set_up_are_sent(here):
    here.start(Work)
    calls = here.calls()
    caller = calls.work_service._caller
    slow = SlowToSetUp()
    caller._link.add(slow)
    caller._link.connection.close()
    eventually(lambda: caller._connection and caller._link.connection is None)
    assert calls.work_service.do(5) == 5
    slow.set_up_now.send()


def test_requests_answered_while_others_are_set_up_get_their_replies(here):
    container = here.container(Work)
    link, slow = link_of(container), SlowToSetUp()
    start = link.start
    link.start = lambda: (link.add(slow), start())  # the last of its parts
    starting = eventlet.spawn(container.start)
    eventually(lambda: link.users and requests_of(container).taking)
    assert here.calls().work_service.do(5) == 5
    assert link_of(container).connection is None
    slow.set_up_now.send()
    starting.wait()


def test_a_bug_in_a_part_does_not_end_the_link(here, caplog):
    container = here.start(Work)
    link, calls = link_of(container), here.calls()

    class Broken(SlowToSetUp):
        times = 0

        def set_up(self, _connection):
            self.times += 1
            if self.times == 1:
                raise ZeroDivisionError

    link.add(Broken())
    link.connection.close()
    assert calls.work_service.do(5) == 5
    assert "could not be set up" in caplog.text


def test_a_broker_that_refuses_the_user_is_told_and_tried_again(here, caplog):
    link = Link(Address.from_uri(here.uri.replace("guest:guest", "guest:wrong")), heartbeat=0, name="test")
    link.start()
    eventually(lambda: "ACCESS_REFUSED" in caplog.text)
    link.stop()
    assert "start it or set AMQP_URI; trying again in" in caplog.text


def test_a_virtual_host_that_is_not_there_is_told(rabbitmq, caplog):
    link = Link(Address.from_uri(rabbitmq.uri("nowhere")), heartbeat=0, name="test")
    link.start()
    eventually(lambda: "vhost" in caplog.text)
    link.stop()


def test_a_queue_that_is_deleted_is_declared_again(rabbitmq, vhost, work):
    assert work.do(1) == 1
    with rabbitmq.connect(vhost) as connection:
        connection.channel().queue_delete("rpc-work_service")

    def works():
        try:
            return work.do.using(timeout=1)(2) == 2
        except Exception:  # noqa: BLE001 - UnknownService while there is none
            return False

    eventually(works)


def test_a_link_that_is_stopped_while_it_connects_leaves_no_connection(there, broker_proxy):
    broker_proxy.freeze(to_client=True, to_target=False)
    link = Link(Address.from_uri(there.uri), heartbeat=0, name="test")
    link.start()
    eventually(lambda: broker_proxy.connections)
    link.stop()
    broker_proxy.heal()
    eventually(lambda: not broker_proxy.connections)


def test_rabbitmq_restarts_under_calls(here, rabbitmq):
    container = here.start(Work)
    work = here.calls(timeout=25).work_service
    replies = [work.wait.call_async(number) for number in range(3)]
    eventually(lambda: len(Work.done) == 3)
    rabbitmq.restart()
    Work.going_on.send()
    assert [reply.result() for reply in replies] == [0, 1, 2]
    eventually(lambda: not requests_of(container)._in_hand)


def test_many_at_once_over_cut_connections(there, broker_proxy, caplog):
    caplog.set_level("WARNING")
    there.start(Work, max_workers=20)
    there.start(Boss, max_workers=20)
    boss = there.calls(timeout=TIMEOUT).boss_service
    boss.do(0)
    numbers = itertools.count(1)

    def run():
        for _ in range(10):
            number = next(numbers)
            assert boss.do(number) == number
            eventlet.sleep(0.01)

    threads = [eventlet.spawn(run) for _ in range(10)]
    while not all(thread.dead for thread in threads):
        eventlet.sleep(0.15)
        broker_proxy.cut()
    for thread in threads:
        thread.wait()
    assert len(Work.done) == 101
    assert_rules_kept(caplog.records)
