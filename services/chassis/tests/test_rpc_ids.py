"""Which calls are the same: those with one id that ask for the same, and none that others began."""

from collections import Counter

import eventlet
import pytest
from chassis.rpc import RpcProxy, rpc
from nameko.standalone.events import event_dispatcher

from .conftest import eventually
from .instances import TESTS, InstanceRun
from .slow import Worker
from .work import Work, requests_of


@pytest.fixture(autouse=True)
def _nothing_done():
    Work.done, Work.going_on = Counter(), eventlet.Event()


@pytest.fixture
def raw(here):
    here.start(Work)
    return here.raw()


@pytest.fixture
def announcing(here, tmp_path):
    """The calls of a service whose events two of its methods handle."""
    one = InstanceRun(tmp_path, "event_handlers", "announcing-1", here.uri, paths=(TESTS,))
    one.say("admitted")
    one.start()
    eventually(lambda: one.ready()[0] == 200)
    yield here.calls().announcing_service
    one.kill()


def by_a_call(calls, _uri):
    calls.announce(5)


def by_a_release_that_passed_on_what_ids_derive_from(_calls, uri):
    event_dispatcher({"AMQP_URI": uri}, headers={"nameko.repeat_key": "one"})("announcing_service", "announced", 5)


@pytest.mark.parametrize("announce", [by_a_call, by_a_release_that_passed_on_what_ids_derive_from])
def test_two_handlers_of_one_event_make_two_calls(here, announcing, announce):
    here.start(Work)
    announce(announcing, here.uri)
    eventually(lambda: sum(Work.done.values()) == 2)
    assert list(Work.done.values()) == [1, 1]


class Told:
    name = "told_service"
    worker = Worker()
    work = RpcProxy("work_service")

    @rpc
    def tell(self):
        """What goes on with everything that this call sends, and what it made."""
        return dict(self.worker.data), self.work.do(5)


def test_nothing_that_ids_derive_from_is_in_a_workers_data(here):
    here.start(Work)
    here.start(Told)
    tell = here.calls({"language": "fa"}).told_service.tell.using(call_id="one")
    assert [tell(), tell()] == [[{"language": "fa"}, 5]] * 2
    assert list(Work.done.values()) == [1]  # and yet the second is a repeat


def send(raw, method, *args, reply_to=True):
    properties = {"reply_to": raw.reply_to} if reply_to else {}
    raw.send(f"work_service.{method}", {"args": args, "kwargs": {}}, correlation_id="one", **properties)


def results(raw):
    return sorted(str(reply.body) for reply in raw.replies.get("one", []))


def test_different_calls_under_one_id_at_the_same_time_are_each_done(raw):
    for method, number in (("wait", 1), ("wait", 2), ("do", 1), ("do", 2)):
        send(raw, method, number)
    eventually(lambda: len(raw.replies.get("one", [])) == 2)  # of those that don't wait
    assert Work.done == {"work_service.wait.one": 2, "work_service.do.one": 2}
    Work.going_on.send()
    eventually(lambda: len(raw.replies["one"]) == 4)


def test_the_same_call_under_one_id_at_the_same_time_is_done_once(here):
    container = here.start(Work)
    raw = here.raw()
    for _ in range(3):
        send(raw, "wait", 1)
    (request,) = eventually(lambda: list(requests_of(container)._in_hand.values()))
    eventually(lambda: len(request._deliveries) == 3)
    Work.going_on.send()
    eventually(lambda: raw.replies.get("one"))
    assert Work.done == {"work_service.wait.one": 1}


def test_calls_under_one_id_that_want_no_reply_are_each_done(raw):
    for _ in range(2):
        send(raw, "wait", 1, reply_to=False)
    eventually(lambda: Work.done == {"work_service.wait.one": 2})
    Work.going_on.send()


@pytest.mark.parametrize(("method", "number"), [("do", 1), ("wait", 2)])
def test_another_call_under_the_id_of_one_that_is_under_way_is_refused(here, method, number):
    here.start(Work)
    work = here.calls().work_service
    first = work.wait.using(call_id="one").call_async(1)
    with pytest.raises(ValueError, match=r"under the id one: a call of work_service\.wait with other arguments"):
        getattr(work, method).using(call_id="one").call_async(number)
    Work.going_on.send()
    assert first.result() == 1
    assert getattr(work, method).using(call_id="one")(number) == number
