"""More requests than an instance can work on: the rest is turned away quickly, and it recovers by itself."""

import select
from contextlib import ExitStack, closing

import eventlet
import pytest
from chassis.http.overload import Slots
from chassis.testing import until

from .tried import Service

pytestmark = pytest.mark.usefixtures("gate")


def waiting(service):
    (server,) = service.container.subextensions
    return len(server.slots._waiting)


def test_what_no_worker_and_no_place_in_the_queue_is_free_for_is_turned_away_at_once(serve, gate):
    service = serve(Service, {"max_workers": 2, "HTTP_QUEUE": 1, "HTTP_QUEUE_SECONDS": 60})
    with ExitStack() as stack:
        connections = [stack.enter_context(closing(service.connect())) for _ in range(3)]
        for connection in connections:
            connection.request("GET", "/slow")
        until(lambda: waiting(service) == 1)
        answer = service.request("POST", "/quick", "x")
        assert (answer.status, answer.error) == (503, "overloaded")
        assert int(answer.headers["retry-after"]) > 0
        for path in ("/health", "/ready", "/metrics"):
            assert service.request("GET", path).status == 200
        gate.set()
        assert [connection.getresponse().read() for connection in connections] == [b"done"] * 3
    assert service.request("POST", "/quick", "x").status == 200


def test_waiting_ends(serve, gate):
    service = serve(Service, {"max_workers": 1, "HTTP_QUEUE_SECONDS": 0.1})
    with closing(service.connect()) as first, closing(service.connect()) as second:
        first.request("GET", "/slow")
        until(lambda: service.container._worker_threads)
        second.request("GET", "/slow")
        assert second.getresponse().status == 503
        assert waiting(service) == 0
        gate.set()
        assert first.getresponse().status == 200


def test_by_default_as_many_wait_as_there_are_workers_and_for_a_second(serve):
    service = serve(Service, {"max_workers": 3})
    with ExitStack() as stack:
        connections = [stack.enter_context(closing(service.connect())) for _ in range(8)]
        for connection in connections:
            connection.request("GET", "/slow")
        turned_away = set()
        until(lambda: turned_away.update(answered(connections)) or len(turned_away) == 5)
        assert answered(connections) == turned_away  # three are worked on


def answered(connections):
    ready, _, _ = select.select([connection.sock for connection in connections], [], [], 0)
    return set(ready)


def test_workers_that_other_calls_hold_are_waited_for_just_as_long(serve):
    service = serve(Service, {"max_workers": 1, "HTTP_QUEUE_SECONDS": 0.1})
    pool = service.container._worker_pool
    pool.sem.counter = 0  # as if a call by RPC had it
    answer = service.request("POST", "/quick", "x")
    assert (answer.status, answer.error) == (503, "overloaded")
    pool.sem.counter = 1
    assert service.request("POST", "/quick", "x").status == 200


def test_nobody_who_comes_later_is_served_first():
    slots, served = Slots(workers=1, queue=2, seconds=5), []

    def ask(name):
        slots.take()
        served.append(name)
        slots.give()

    slots.take()
    earlier = eventlet.spawn(ask, "earlier")
    eventlet.sleep(0)  # it waits
    slots.give()  # it is woken, but has not run yet
    ask("later")
    earlier.wait()
    assert served == ["earlier", "later"]
