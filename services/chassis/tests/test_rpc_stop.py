"""The end of a service: what it has in hand is finished, nothing is done twice."""

import re
import signal
from collections import Counter
from typing import ClassVar

import eventlet
import pytest
from chassis.amqp import Outcome
from chassis.errors import RpcTimeout, Unavailable
from chassis.rpc import rpc
from chassis.rpc.requests import Requests
from chassis.standalone import ClusterRpcProxy
from nameko.extensions import Entrypoint

from .conftest import SECONDS, NamekoRun, eventually

SOON = 10  # seconds in which a service without a broker must have ended


@pytest.fixture
def counted(tmp_path):
    """The environment in which calls of `count` leave marks, and a function that returns how often each call ran."""
    path = tmp_path / "count"
    path.touch()
    return {"COUNT": str(path)}, lambda: Counter(line.split()[0] for line in path.read_text().splitlines())


def started(count, many):
    return eventually(lambda: len(count()) >= many)


def test_calls_in_hand_are_finished_and_the_exit_code_is_zero(here, nameko_run, counted):
    environment, count = counted
    process = nameko_run("chassis_target", environment=environment, max_workers=5).process
    calls = here.calls().chassis_target
    replies = [calls.count.call_async(number, 0.5) for number in range(5)]
    started(count, 5)
    process.send_signal(signal.SIGTERM)
    assert [reply.result() for reply in replies] == list(range(5))
    eventually(lambda: process.poll() is not None)
    assert process.returncode == 0
    assert list(count().values()) == [1] * 5


def test_calls_that_wait_behind_those_in_hand_are_done_once_by_it_or_another(
    here, nameko_run, counted, rabbitmq, vhost
):
    environment, count = counted
    options = {"environment": environment, "max_workers": 3}
    first = nameko_run("chassis_target", **options).process
    calls = here.calls(timeout=25).chassis_target
    replies = [calls.count.call_async(number, 0.2) for number in range(20)]
    started(count, 3)
    first.send_signal(signal.SIGTERM)
    second = nameko_run("chassis_target", **options).process
    assert [reply.result() for reply in replies] == list(range(20))
    eventually(lambda: first.poll() is not None)
    assert (first.returncode, second.poll()) == (0, None)
    assert list(count().values()) == [1] * 20
    eventually(lambda: rabbitmq.depth(vhost, "rpc-chassis_target") == 0)


def test_a_caller_that_stops_gets_the_answers_that_it_waits_for(here, nameko_run, counted):
    environment, count = counted
    process = nameko_run("chassis_target", "chassis_front", environment=environment).process
    front = here.calls().chassis_front
    # Target and front are one process, which ends as a whole.
    replies = [front.call.call_async("chassis_target", "count", [number, 0.4], {}) for number in range(3)]
    started(count, 3)
    process.send_signal(signal.SIGTERM)
    assert [reply.result() for reply in replies] == [{"result": number} for number in range(3)]
    eventually(lambda: process.poll() is not None)
    assert process.returncode == 0


@pytest.mark.parametrize("gone", ["refused", "frozen"])
def test_without_its_broker_it_ends_too(here, nameko_run, counted, broker_proxy, gone):
    environment, count = counted
    process = nameko_run("chassis_target", port=broker_proxy.port, environment=environment).process
    calls = here.calls(timeout=25).chassis_target
    replies = [calls.count.call_async(number, 0.3) for number in range(3)]
    started(count, 3)
    if gone == "refused":
        broker_proxy.refuse()
        broker_proxy.cut()
    else:
        broker_proxy.freeze()
    process.send_signal(signal.SIGTERM)
    eventually(lambda: process.poll() is not None, SOON)
    assert process.returncode == 0
    assert list(count().values()) == [1] * 3

    # Its calls are not lost: another takes them.
    broker_proxy.cut()
    nameko_run("chassis_target", environment=environment)
    assert [reply.result() for reply in replies] == list(range(3))


def test_without_a_broker_from_the_start_it_ends_too(broker_proxy, tmp_path, rabbitmq, vhost):
    broker_proxy.refuse()
    with NamekoRun(tmp_path, {"AMQP_URI": rabbitmq.uri(vhost, broker_proxy.port)}) as running:
        eventually(lambda: "RabbitMQ does not answer" in running.log.read_text())
        eventually(lambda: re.search(r"Listening on|starting services", running.log.read_text()))
        running.process.send_signal(signal.SIGTERM)
        eventually(lambda: running.process.poll() is not None, SOON + 5)
        assert running.process.returncode == 0


def test_a_process_that_is_killed_loses_no_call(here, nameko_run, counted):
    environment, count = counted
    options = {"environment": environment}
    process = nameko_run("chassis_target", **options).process
    calls = here.calls(timeout=25).chassis_target
    replies = [calls.count.call_async(number, 0.3) for number in range(3)]
    started(count, 3)
    process.kill()
    nameko_run("chassis_target", **options)
    assert [reply.result() for reply in replies] == list(range(3))
    assert len(count()) == 3  # under the ids that they had


# In the test's own thread, where a call can be held.


class Other(Entrypoint):
    """Work that is no RPC."""


other = Other.decorator


class Held:
    name = "held_service"
    done: ClassVar = []
    going_on = None

    @rpc
    def hold(self, number):
        self.done.append(number)
        self.going_on.wait()
        return number

    @other
    def work(self):
        self.going_on.wait()


@pytest.fixture
def held(here):
    Held.done, Held.going_on = [], eventlet.event.Event()
    return here.start(Held, max_workers=2)


def test_it_takes_no_more_calls_while_it_ends(here, held, rabbitmq, vhost):
    calls = here.calls().held_service
    first = calls.hold.call_async(1)
    eventually(lambda: Held.done)
    stopping = eventlet.spawn(held.stop)
    eventually(lambda: rabbitmq.consumers(vhost, "rpc-held_service") == 0)
    late = calls.hold.using(timeout=0.3).call_async(2)
    with pytest.raises(RpcTimeout):
        late.result()
    Held.going_on.send()
    assert first.result() == 1
    stopping.wait()
    assert Held.done == [1]


def test_calls_taken_that_have_no_worker_yet_are_done(here, held, rabbitmq, vhost):
    calls = here.calls().held_service
    (entrypoint,) = (one for one in held.entrypoints if isinstance(one, Other))
    for _ in range(2):
        held.spawn_worker(entrypoint, (), {})
    replies = [calls.hold.call_async(number) for number in range(2)]
    link = next(one.link for one in held.extensions if hasattr(one, "link"))
    requests = next(user for user in link.users if isinstance(user, Requests))
    eventually(lambda: len(requests._backlog) == 1)  # and the other waits for a worker already
    stopping = eventlet.spawn(held.stop)
    eventually(lambda: rabbitmq.consumers(vhost, "rpc-held_service") == 0)
    Held.going_on.send()
    assert [reply.result() for reply in replies] == [0, 1]
    stopping.wait()
    assert sorted(Held.done) == [0, 1]


def test_two_stops_are_as_one(here, held):
    reply = here.calls().held_service.hold.call_async(1)
    eventually(lambda: Held.done)
    stopping = [eventlet.spawn(held.stop) for _ in range(2)]
    eventlet.sleep(0)
    Held.going_on.send()
    assert reply.result() == 1
    for greenlet in stopping:
        greenlet.wait()


def test_a_kill_gives_calls_back(here, held):
    calls = here.calls(timeout=20).held_service
    reply = calls.hold.call_async(1)
    eventually(lambda: Held.done)
    held.kill()
    Held.going_on.send()
    here.start(Held)
    assert reply.result() == 1


def test_nothing_is_left_behind(here, held, rabbitmq, vhost):
    calls = here.calls()
    Held.going_on.send()
    assert calls.held_service.hold(1) == 1
    held.stop()
    eventually(lambda: rabbitmq.consumers(vhost, "rpc-held_service") == 0)
    assert rabbitmq.depth(vhost, "rpc-held_service") == 0
    raw = here.raw()
    assert raw.send("held_service.hold", {"args": [1], "kwargs": {}}) is Outcome.CONFIRMED
    assert rabbitmq.depth(vhost, "rpc-held_service") == 1


def test_a_standalone_caller_that_has_stopped_calls_nobody(here):
    Held.done, Held.going_on = [], eventlet.event.Event()
    here.start(Held)
    Held.going_on.send()
    with ClusterRpcProxy(here.config(), timeout=0.2) as cluster:
        assert cluster.held_service.hold(1) == 1
    with eventlet.Timeout(SECONDS), pytest.raises(Unavailable):
        cluster.held_service.hold(2)
    assert Held.done == [1]


class Large:
    name = "large_service"
    begun: ClassVar = []
    going_on = None  # an event

    @rpc
    def text(self, size):
        self.begun.append(size)
        self.going_on.wait()
        return "x" * size


@pytest.fixture
def large(here, rabbitmq):
    """The container of a service, and six calls that it has in hand, whose replies RabbitMQ will not take."""
    Large.begun, Large.going_on = [], eventlet.Event()
    container, proxy = here.start(Large), here.calls(timeout=30).large_service
    replies = [proxy.text.call_async(6 * 2**20) for _ in range(6)]
    eventually(lambda: len(Large.begun) == 6)
    rabbitmq.block()
    Large.going_on.send()
    return container, replies


def test_a_service_whose_replies_rabbitmq_does_not_take_ends_in_time(large):
    container, _ = large
    with eventlet.Timeout(SOON):
        container.stop()


def test_replies_that_rabbitmq_did_not_take_at_first_arrive(large, rabbitmq):
    container, replies = large
    # Their workers have given up waiting, and are free.
    eventually(lambda: not container._worker_threads)
    rabbitmq.unblock()
    assert [len(reply.result()) for reply in replies] == [6 * 2**20] * 6
    assert len(Large.begun) == 6
