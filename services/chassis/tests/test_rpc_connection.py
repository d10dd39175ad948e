"""Calls while connections break: each ends with its own result, in time, and new ones work when they heal."""

import itertools
import logging
import time
import uuid
from collections import Counter
from typing import ClassVar

import eventlet
import pytest
from chassis.amqp import Address, Connection, ConnectionLost, Link, Outcome
from chassis.calls import Call
from chassis.errors import Unavailable
from chassis.rpc import RpcProxy, rpc, wire
from chassis.rpc.requests import Requests
from chassis.testing.cuttable_proxy import CuttableProxy
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from nameko.exceptions import MethodNotFound, RemoteError
from pamqp import commands

from .conftest import SECONDS, Here, eventually

TIMEOUT = 20  # seconds of a call; no fault lasts so long
#: What the broker or we say when one of us does what the protocol forbids.
BROKEN_RULES = ("closed the connection:", "unknown delivery tag", "PRECONDITION_FAILED", "could not be", "which nobody")


class Work:
    name = "work_service"
    call = Call()
    done: ClassVar = Counter()
    going_on = None  # an event that calls of `wait` wait for

    @rpc
    def do(self, number):
        self.done[self.call.id] += 1
        return number

    @rpc
    def take(self, number, seconds):
        self.done[self.call.id] += 1
        eventlet.sleep(seconds)
        return number

    @rpc
    def wait(self, number):
        self.done[self.call.id] += 1
        self.going_on.wait()
        return number

    @rpc
    def fail(self, number):
        self.done[self.call.id] += 1
        raise KeyError(number)


class Boss:
    name = "boss_service"
    work = RpcProxy("work_service")

    @rpc
    def do(self, number):
        return self.work.do(number)


def link_of(container):
    return next(one.link for one in container.extensions if hasattr(one, "link"))


def requests_of(container):
    (requests,) = (user for user in link_of(container).users if isinstance(user, Requests))
    return requests


@pytest.fixture(autouse=True)
def _nothing_done():
    Work.done, Work.going_on = Counter(), eventlet.event.Event()


# One thing at a time.


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
    eventually(lambda: request._reply)
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
    eventually(lambda: link.users and requests_of(container)._tag)
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


# Connections themselves.


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


# Everything at once.


def assert_rules_kept(records):
    broken = [one.getMessage() for one in records if any(text in one.getMessage() for text in BROKEN_RULES)]
    assert not broken


class Faults(RuleBasedStateMachine):
    """A service, its caller, and a network for each, which break in any order."""

    rabbitmq = None

    def __init__(self):
        super().__init__()
        self.records = []
        self.handler = logging.Handler("WARNING")
        self.handler.emit = self.records.append
        logging.getLogger().addHandler(self.handler)
        self.vhost = self.rabbitmq.add_vhost()
        self.proxies = [CuttableProxy(self.rabbitmq.port).__enter__() for _ in range(2)]
        self.client_side, self.service_side = self.proxies
        self.services = Here(self.rabbitmq.uri(self.vhost, self.service_side.port))
        self.clients = Here(self.rabbitmq.uri(self.vhost, self.client_side.port))
        self.replies, self.numbers, self.made = {}, itertools.count(), 0
        Work.done = Counter()

    @initialize()
    def begin(self):
        self.container = self.services.start(Work, HEARTBEAT=0, max_workers=5)
        self.work = self.clients.calls(timeout=TIMEOUT).work_service
        self.call_one()

    def call_one(self):
        self.made += 1
        assert self.work.do.using(timeout=5)(-1) == -1

    @rule(many=st.integers(1, 8), method=st.sampled_from(["do", "take", "fail"]))
    def call(self, many, method):
        for _ in range(many):
            number = next(self.numbers)
            self.made += 1
            args = (number, 0.02) if method == "take" else (number,)
            self.replies[number] = method, getattr(self.work, method).call_async(*args)

    @rule(side=st.sampled_from([0, 1]), reset=st.booleans())
    def cut(self, side, reset):
        self.proxies[side].cut(reset=reset)

    @rule(side=st.sampled_from([0, 1]), direction=st.sampled_from(["to_target", "to_client"]), both=st.booleans())
    def freeze(self, side, direction, both):
        self.proxies[side].freeze(**({} if both else {direction: False}))

    @rule(side=st.sampled_from([0, 1]))
    def heal(self, side):
        self.proxies[side].heal()

    @rule(side=st.sampled_from([0, 1]))
    def refuse(self, side):
        self.proxies[side].refuse()
        self.proxies[side].cut()

    @rule()
    def second_service(self):
        """Calls are shared with another process, so to say, which ends in order."""
        for proxy in self.proxies:
            proxy.heal()
        other = self.services.start(Work, HEARTBEAT=0, max_workers=2)
        self.call(3, "do")
        other.stop()

    @rule(seconds=st.sampled_from([0, 0.01, 0.15]))
    def let_run(self, seconds):
        eventlet.sleep(seconds)

    @precondition(lambda self: self.replies)
    @rule()
    def collect(self):
        """Every call ends with its own result; and afterwards a new call works at once."""
        for proxy in self.proxies:
            proxy.heal()
        for number, (method, reply) in self.replies.items():
            if method == "fail":
                with pytest.raises(RemoteError, match=f"^KeyError {number}$"):
                    reply.result()
            else:
                assert reply.result() == number
            assert time.monotonic() < reply.deadline + 1
        self.replies = {}
        self.call_one()

    def teardown(self):
        with eventlet.Timeout(2 * SECONDS):
            if self.replies:
                self.collect()
            if hasattr(self, "work"):
                # At least once each, and under no id but its own.
                assert len(Work.done) == self.made
                eventually(lambda: not requests_of(self.container)._in_hand)
                eventually(lambda: self.rabbitmq.depth(self.vhost, "rpc-work_service") == 0)
            self.clients.close()
            self.services.close()
        for proxy in self.proxies:
            proxy.__exit__()
        logging.getLogger().removeHandler(self.handler)
        self.rabbitmq.delete_vhost(self.vhost)
        assert_rules_kept(self.records)


def test_faults_in_any_order(rabbitmq):
    Faults.rabbitmq = rabbitmq
    run_state_machine_as_test(
        Faults,
        settings=settings(
            max_examples=12,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
