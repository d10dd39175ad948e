"""Every call ends by its deadline, and what is too late is not worked on."""

import math
import re

import eventlet
import pytest
from chassis.container import ServiceContainer
from chassis.errors import RpcTimeout
from chassis.rpc import RpcProxy, deadline, rpc
from chassis.rpc.deadline import seconds_text
from chassis.standalone import ClusterRpcProxy
from nameko import containers
from nameko.exceptions import ConfigurationError
from nameko.extensions import Entrypoint

from .conftest import eventually
from .slow import Slow

# What a method's calls have of its deadline, and whether it is begun, does not depend on the container.
CONTAINERS = pytest.mark.parametrize("container_cls", [ServiceContainer, containers.ServiceContainer])
INVALID = [0, -1, math.nan, math.inf, "1", True, 10**9]


class Middle:
    name = "middle_service"
    slow = RpcProxy("slow_service")
    hasty = RpcProxy("slow_service", timeout=0.2)

    @rpc
    def left(self):
        return self.slow.left()

    @rpc
    def bounded(self, *bounds):
        """What is left to a call within deadlines, the first of them the outermost."""
        if bounds:
            with deadline(bounds[0]):
                return self.bounded(*bounds[1:])
        return self.slow.left()

    @rpc
    def after(self):
        """What is left to a call once a deadline's block has ended."""
        with deadline(1):
            self.slow.left()
        return self.slow.left()

    @rpc
    def using(self, seconds):
        return self.slow.left.using(timeout=seconds)()

    @rpc
    def hurry(self):
        return self.hasty.wait(5)

    @rpc
    def too_late(self):
        with deadline(0.05):
            eventlet.sleep(0.1)
            return self.slow.left()

    @rpc
    def together(self):
        """Deadlines of calls at the same time don't mix."""

        def bounded(seconds):
            with deadline(seconds):
                return self.slow.left()

        threads = [eventlet.spawn(bounded, seconds) for seconds in (30, 3, 300)]
        return [thread.wait() for thread in threads]

    @rpc
    def pooled(self):
        """What is left to calls from greenlets of its own."""
        return list(eventlet.GreenPool().imap(lambda _: self.slow.left(), range(3)))


@pytest.fixture
def middle(here):
    here.start(Slow)
    here.start(Middle, RPC_TIMEOUT=50)
    return here.calls(timeout=100).middle_service


def test_the_error_names_service_method_and_seconds(slow):
    with pytest.raises(RpcTimeout, match=re.escape("slow_service.wait did not answer within 0.25 s.")):
        slow.wait.using(timeout=0.25)(5)


def test_the_default_is_the_setting(here):
    here.start(Slow)
    with pytest.raises(RpcTimeout, match=re.escape("within 0.2 s")):
        here.calls(RPC_TIMEOUT=0.2).slow_service.wait(5)


def test_a_proxy_has_a_timeout_of_its_own(middle):
    with pytest.raises(RpcTimeout, match=re.escape("within 0.2 s")):
        middle.hurry()


def test_the_caller_of_a_caller_gets_the_timeout_as_what_it_is(middle):
    with pytest.raises(RpcTimeout, match="slow_service"):
        middle.hurry()


def test_the_time_left_travels_with_the_call(slow):
    assert 0 < slow.left.using(timeout=7)() <= 7


@CONTAINERS
def test_a_nested_call_has_what_is_left_of_the_outer_one(here, container_cls):
    here.start(Slow)
    here.start(Middle, container_cls, RPC_TIMEOUT=50)
    assert 0 < here.calls().middle_service.left.using(timeout=7)() <= 7


def test_calls_from_greenlets_of_a_method_have_what_is_left_of_its_call(middle):
    assert all(0 < left <= 7 for left in middle.pooled.using(timeout=7)())


def test_a_nested_call_has_its_own_timeout_where_that_is_shorter(middle):
    assert 7 < middle.left() <= 50


@pytest.mark.parametrize(("bounds", "counts"), [((4, 9), 4), ((9, 4), 4), ((70,), 50)])
def test_the_shortest_of_nested_deadlines_counts(middle, bounds, counts):
    assert counts - 2 < middle.bounded(*bounds) <= counts


def test_a_deadline_ends_with_its_block(middle):
    assert 1 < middle.after() <= 50


def test_deadlines_of_greenlets_do_not_mix(middle):
    longest, shortest, own = middle.together()
    assert shortest <= 3 < longest <= 30 < own <= 50


def test_a_timeout_for_one_call_is_bounded_by_the_deadline_around_it(middle):
    assert 7 < middle.using(20) <= 20
    assert middle.using.using(timeout=5)(20) <= 5


def test_a_call_after_the_deadline_is_a_timeout_and_not_sent(middle):
    expected = r"slow_service\.left was not called: its deadline had passed 0\.\d{1,3} s before\."
    with pytest.raises(RpcTimeout, match=expected):
        middle.too_late()


@pytest.mark.parametrize("seconds", [1e-9, 0.0001, 0.0009])
def test_a_deadline_of_less_than_a_millisecond_is_a_timeout(slow, seconds):
    for _ in range(20):
        with pytest.raises(RpcTimeout, match=r"slow_service\.wait .* 0\.\d{1,3} s"):
            slow.wait.using(timeout=seconds)(1)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1000, "1000 s"),
        (0.25, "0.25 s"),
        (1234.5, "1234.5 s"),
        (86400, "86400 s"),
        (0.2499, "0.25 s"),
        (1e-6, "0.001 s"),
    ],
)
def test_seconds_are_told_in_plain_digits(seconds, text):
    assert seconds_text(seconds) == text


@pytest.mark.parametrize("seconds", INVALID, ids=str)
def test_an_invalid_timeout_is_a_value_error(slow, here, seconds):
    expected = pytest.raises(ValueError, match="number of seconds over 0 and at most 86400, not")
    with expected:
        slow.wait.using(timeout=seconds)
    with expected, deadline(seconds):
        pass
    with expected:
        RpcProxy("slow_service", timeout=seconds)
    with expected:
        RpcProxy("slow_service", repeat_after=seconds)
    with expected:
        ClusterRpcProxy(here.config(), timeout=seconds)


@pytest.mark.parametrize("setting", ["RPC_TIMEOUT", "RPC_REPEAT_AFTER"])
@pytest.mark.parametrize("seconds", INVALID, ids=str)
def test_an_invalid_setting_is_named(here, setting, seconds):
    with pytest.raises(ConfigurationError, match=setting):
        ClusterRpcProxy(here.config(**{setting: seconds}))


def test_a_request_that_nobody_took_in_time_expires_in_rabbitmq(here, rabbitmq, vhost):
    container = here.start(Slow)
    container.stop()
    calls, Slow.done = here.calls(timeout=0.2), []
    with pytest.raises(RpcTimeout):
        calls.slow_service.wait(0.1)
    eventually(lambda: rabbitmq.depth(vhost, "rpc-slow_service") == 0)

    here.start(Slow)
    assert calls.slow_service.wait.using(timeout=10)(0.05) == 0.05
    assert Slow.done == [0.05]


class Other(Entrypoint):
    """Work that is no RPC, as HTTP is."""


other = Other.decorator


class Busy(Slow):
    name = "busy_service"

    @other
    def work(self):
        """Not RPC."""


@CONTAINERS
def test_a_request_that_waited_too_long_for_a_worker_is_not_worked_on(here, container_cls, caplog):
    container = here.start(Busy, container_cls, max_workers=1)
    calls, Busy.done = here.calls(timeout=5).busy_service, []
    busy = eventlet.event.Event()
    (entrypoint,) = (one for one in container.entrypoints if isinstance(one, Other))
    container.spawn_worker(entrypoint, (), {}, handle_result=lambda _ctx, *result: (busy.wait(), result)[1])
    # The first waits for the worker, the second behind it.
    late = [calls.wait.using(timeout=0.2).call_async(0) for _ in range(2)]
    for reply in late:
        with pytest.raises(RpcTimeout):
            reply.result()
    eventlet.sleep(0.1)  # the service's clock began when it took the call, after its caller's
    busy.send()
    assert calls.wait(0.01) == 0.01
    assert Busy.done == [0.01]
    assert re.search(r"busy_service\.wait was not begun within 0\.\d+ s: nobody waits for it\.", caplog.text)


def test_a_request_that_waited_for_a_worker_in_time_is_done(here):
    container = here.start(Busy, max_workers=1)
    calls, Busy.done = here.calls(timeout=5).busy_service, []
    busy = eventlet.event.Event()
    (entrypoint,) = (one for one in container.entrypoints if isinstance(one, Other))
    container.spawn_worker(entrypoint, (), {}, handle_result=lambda _ctx, *result: (busy.wait(), result)[1])
    replies = [calls.wait.call_async(number / 1000) for number in range(3)]
    eventlet.sleep(0.1)
    busy.send()
    assert [reply.result() for reply in replies] == [0, 0.001, 0.002]


def test_a_reply_that_comes_late_is_ignored(slow):
    late = slow.wait.using(timeout=0.1).call_async(0.3)
    with pytest.raises(RpcTimeout):
        late.result()
    assert [reply.result() for reply in [slow.wait.call_async(0.3 + n / 1000) for n in range(3)]] == [
        0.3,
        0.301,
        0.302,
    ]
    with pytest.raises(RpcTimeout):
        late.result()


def test_a_result_may_be_asked_for_after_the_deadline_if_it_came_before(slow):
    reply = slow.wait.using(timeout=0.3).call_async(0.01)
    eventually(reply.event.ready)
    eventlet.sleep(0.4)
    assert reply.result() == 0.01
    assert reply.result() == 0.01


@pytest.mark.parametrize(
    "value", ["soon", "", -5, 0, 2**40, 1.5, True, None, [1], {"a": 1}, bytearray(b"\xff")], ids=repr
)
def test_a_hostile_deadline_is_ignored(here, value):
    here.start(Slow)
    assert here.raw().call("slow_service.wait", 0.01, headers={"fleet-deadline-ms": value})["result"] == 0.01
