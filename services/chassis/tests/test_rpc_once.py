"""`once=True`: a call that comes again under its id has its effect once."""

import uuid
from datetime import UTC, datetime
from typing import ClassVar

import eventlet
import pytest
from chassis.calls import Call
from chassis.errors import Conflict, NotEnoughReplicas, RpcTimeout, Unavailable
from chassis.redis import Redis
from chassis.rpc import RpcProxy, rpc
from chassis.rpc.answered import Answered
from chassis.rpc.once import KEPT
from nameko.exceptions import ConfigurationError, RemoteError

from .conftest import eventually


class Counting:
    name = "counting_service"
    redis = Redis("redis")
    call = Call()
    done: ClassVar = []
    may_end = None  # an event that calls of `stay` wait for
    typed_result = datetime(2026, 11, 27, tzinfo=UTC)

    def _do(self, what):
        self.done.append(what)
        return len(self.done)

    @rpc(once=True)
    def count(self, what):
        return self._do(what)

    @rpc(once=True)
    def slow(self, what):
        eventlet.sleep(0.2)
        return self._do(what)

    @rpc(once=True)
    def stay(self, what):
        number = self._do(what)
        self.may_end.wait()
        return number

    @rpc(once=True)
    def time_out(self, what):
        if (number := self._do(what)) == 1:
            with eventlet.Timeout(0.01):
                eventlet.sleep(60)
        return number

    @rpc(once=True)
    def refuse(self, what):
        raise Conflict(f"{what} no {self._do(what)}")

    @rpc(once=True)
    def unavailable(self, what):
        if self._do(what) == 1:
            raise Unavailable("not yet")
        return "done"

    @rpc(once=True)
    def late(self, what):
        if self._do(what) == 1:
            raise RpcTimeout("another service did not answer")
        return "done"

    @rpc(once=True)
    def bug(self, what):
        if self._do(what) == 1:
            raise ZeroDivisionError
        return "done"

    @rpc(once=True)
    def nothing(self):
        self._do(None)

    @rpc(once=True)
    def unserializable(self, what):
        return {self._do(what)}

    @rpc(once=True)
    def typed(self):
        self._do("typed")
        return [self.typed_result]

    @rpc
    def many(self, what):
        return self._do(what)

    @rpc(once=True, expected_exceptions=KeyError)
    def expected(self):
        raise KeyError("x")


class CountingInBytes(Counting):
    name = "counting_in_bytes_service"
    redis = Redis("redis", decode_responses=False)


class Asking:
    name = "asking_service"
    counting = RpcProxy("counting_service")

    @rpc
    def ask(self, what):
        return [self.counting.count(what), self.counting.count(what)]


class Bare:
    name = "bare_service"

    @rpc(once=True)
    def count(self):
        return 1


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch):
    """What a repeat meets that comes to another process, or later."""
    monkeypatch.setattr(Answered, "find", lambda *_: None)


@pytest.fixture
def config(shared_redis):
    with shared_redis.client() as client:
        client.flushall()
    return {"REDIS_URIS": {"redis": shared_redis.uri()}, "RPC_TIMEOUT": 5}


@pytest.fixture
def counting(here, config):
    Counting.done = []
    here.start(Counting, **config)
    return here.calls().counting_service


def same(method, times=2, *args):
    """Call under the same id, one after the other; return the results."""
    call = method.using(call_id=str(uuid.uuid4()))
    return [call(*args) for _ in range(times)]


def test_a_repeat_returns_the_first_result(counting):
    assert same(counting.count, 3, "a") == [1, 1, 1]
    assert Counting.done == ["a"]


def test_other_calls_are_done(counting):
    assert [counting.count("a"), counting.count("a")] == [1, 2]


def test_without_once_a_repeat_is_done_again(counting):
    assert same(counting.many, 2, "a") == [1, 2]


def test_a_result_of_none_is_kept(counting):
    assert same(counting.nothing, 2) == [None, None]
    assert Counting.done == [None]


def test_an_error_of_the_caller_is_kept(counting):
    call = counting.refuse.using(call_id="one")
    for _ in range(2):
        with pytest.raises(Conflict, match="a no 1"):
            call("a")
    assert Counting.done == ["a"]


@pytest.mark.parametrize(
    ("method", "error"), [("unavailable", Unavailable), ("late", RpcTimeout), ("bug", RemoteError)]
)
def test_what_may_go_well_the_next_time_is_not_kept(counting, method, error):
    call = getattr(counting, method).using(call_id="one")
    with pytest.raises(error):
        call("a")
    assert [call("a"), call("a")] == ["done", "done"]
    assert Counting.done == ["a", "a"]


def test_repeats_at_the_same_time_are_done_once(here, config):
    Counting.done = []
    # Two processes would be two containers as these are.
    for _ in range(2):
        here.start(Counting, **config)
    callers = [here.calls().counting_service for _ in range(4)]
    replies = [caller.slow.using(call_id="one").call_async("a") for caller in callers]
    assert [reply.result() for reply in replies] == [1, 1, 1, 1]
    assert Counting.done == ["a"]


def test_a_result_is_found_by_another_process(here, config):
    Counting.done = []
    first = here.start(Counting, **config)
    calls = here.calls().counting_service
    assert calls.count.using(call_id="one")("a") == 1
    first.stop()
    here.start(Counting, **config)
    assert calls.count.using(call_id="one")("a") == 1
    assert Counting.done == ["a"]


def test_ids_of_two_methods_do_not_mix(counting):
    assert counting.count.using(call_id="one")("a") == 1
    assert counting.slow.using(call_id="one")("a") == 2


def test_a_repeated_call_that_calls_others_repeats_those(here, config):
    Counting.done = []
    here.start(Counting, **config)
    here.start(Asking)
    ask = here.calls().asking_service.ask.using(call_id="one")
    # Of two calls that are alike the second is another one.
    assert [ask("a"), ask("a")] == [[1, 2], [1, 2]]
    assert Counting.done == ["a", "a"]


def test_a_process_that_died_leaves_a_mark_that_expires(shared_redis, counting):
    call_id = "counting_service.count.one"
    with shared_redis.client() as client:
        client.set(f"once:counting_service:{call_id}", "running", px=150)
        assert counting.count.using(call_id="one")("a") == 1
        assert KEPT - 100 < client.ttl(f"once:counting_service:{call_id}") <= KEPT


def test_a_call_that_takes_longer_than_a_mark_lasts_is_done_once(here, config, monkeypatch):
    monkeypatch.setattr("chassis.rpc.once.LEASE", 1)
    monkeypatch.setattr("chassis.rpc.once.RENEWED", 0.1)
    Counting.done, Counting.may_end = [], eventlet.Event()
    for _ in range(2):
        here.start(Counting, **config)
    callers = [here.calls().counting_service for _ in range(2)]
    first = callers[0].stay.using(call_id="one").call_async("a")
    eventually(lambda: Counting.done)
    with pytest.raises((RpcTimeout, Unavailable), match=r"did not answer within 2 s|done by another"):
        callers[1].stay.using(call_id="one", timeout=2)("a")
    Counting.may_end.send()
    assert first.result() == 1
    assert callers[1].stay.using(call_id="one")("a") == 1
    assert Counting.done == ["a"]


def test_a_call_that_a_timeout_ended_may_be_made_again(counting):
    call = counting.time_out.using(call_id="one")
    with pytest.raises(RemoteError, match="Timeout"):
        call("a")
    assert call("a") == 2


def test_a_result_that_too_few_replicas_have_is_not_acknowledged(here, config):
    here.start(Counting, **config, REDIS_REPLICAS=1)
    with pytest.raises(NotEnoughReplicas):
        here.calls().counting_service.count("a")


def test_a_mark_that_stays_makes_it_unavailable_at_the_deadline(shared_redis, counting):
    with shared_redis.client() as client:
        client.set("once:counting_service:counting_service.count.one", "running")
    reply = counting.count.using(call_id="one", timeout=0.3).call_async("a")
    with pytest.raises(Exception, match=r"did not answer within|done by another"):
        reply.result()
    assert Counting.done == []


def test_a_result_that_cannot_be_kept_is_told_each_time_and_not_made_again(counting):
    call = counting.unserializable.using(call_id="one")
    for _ in range(2):
        with pytest.raises(RemoteError, match="Unserializable value"):
            call("a")
    assert counting.count("b") == 2


def test_what_can_be_sent_can_be_kept(counting):
    assert same(counting.typed, 2) == [[Counting.typed_result]] * 2
    assert Counting.done == ["typed"]


def test_a_redis_that_answers_bytes_serves_too(here, config, shared_redis):
    Counting.done = []
    here.start(CountingInBytes, **config)
    count = here.calls().counting_in_bytes_service.count.using(call_id="one")
    with shared_redis.client() as client:
        client.set("once:counting_in_bytes_service:counting_in_bytes_service.count.one", "running", px=150)
    assert [count("a"), count("a")] == [1, 1]


def test_without_redis_it_is_unavailable(here, primary):
    Counting.done = []
    here.start(Counting, REDIS_URIS={"redis": primary.uri()})
    calls = here.calls().counting_service
    assert calls.count("a") == 1
    primary.process.kill()
    primary.process.wait()
    with pytest.raises(Unavailable):
        calls.count("b")
    assert Counting.done == ["a"]


def test_a_service_without_redis_is_a_configuration_error(here):
    container = here.container(Bare)
    with pytest.raises(ConfigurationError, match="once=True, whose results are kept in Redis"):
        container.start()


def test_other_options_work_beside_it(counting):
    with pytest.raises(RemoteError, match="KeyError"):
        counting.expected()
