"""Calls that come again after they were answered: they get the same reply, and are not done again."""

from collections import Counter

import pytest
from chassis.rpc.answered import Answer, Answered

from .conftest import eventually
from .work import Work, link_of, requests_of


@pytest.fixture(autouse=True)
def _nothing_done():
    Work.done = Counter()


@pytest.fixture
def raw(here):
    return here.raw()


def send(raw, method="do", number=5, call_id="one"):
    """Call; return what keeps the replies that come."""
    body = {"args": [number], "kwargs": {}}
    raw.send(f"work_service.{method}", body, correlation_id=call_id, reply_to=raw.reply_to)
    return raw.replies.setdefault(call_id, [])


def bodies(replies, many):
    eventually(lambda: len(replies) == many)
    return {reply.body for reply in replies}


@pytest.mark.parametrize("method", ["do", "fail"])
def test_a_call_whose_acknowledgement_was_lost_is_not_done_again(there, raw, broker_proxy, monkeypatch, method):
    container = there.start(Work)
    with monkeypatch.context() as patch:
        patch.setattr("chassis.amqp.connection.ACK_PAUSE", 60)
        replies = send(raw, method)
        bodies(replies, 1)
        eventually(lambda: not requests_of(container)._in_hand)  # confirmed
    broker_proxy.cut()
    assert len(bodies(replies, 2)) == 1
    assert list(Work.done.values()) == [1]
    eventually(lambda: not requests_of(container)._in_hand)


def test_a_caller_that_lost_its_reply_gets_it_again(here, raw):
    here.start(Work)
    bodies(send(raw), 1)
    assert len(bodies(send(raw), 2)) == 1
    assert list(Work.done.values()) == [1]


def test_a_caller_that_lost_its_reply_before_it_was_confirmed_gets_it_again(here, raw, rabbitmq, vhost):
    container = here.start(Work)
    connection, confirms = link_of(container).connection, []
    publications = connection._publications
    publications.confirmed = confirms.append
    bodies(send(raw), 1)
    assert len(requests_of(container)._in_hand) == 1
    assert len(bodies(send(raw), 2)) == 1
    eventually(lambda: len(confirms) == 2)
    del publications.confirmed
    for frame in confirms:
        publications.confirmed(frame)
        eventually(lambda: not connection._deliveries._unacked)
    assert not requests_of(container)._in_hand
    assert list(Work.done.values()) == [1]
    container.stop()  # everything is acknowledged, and nothing twice
    assert "it was closed" in str(connection.lost.wait())
    assert rabbitmq.depth(vhost, "rpc-work_service") == 0


def test_an_attempt_after_an_error_is_made(here, raw):
    here.start(Work)
    bodies(send(raw, "fail"), 1)
    bodies(send(raw, "fail"), 2)
    assert list(Work.done.values()) == [2]


def test_another_call_under_the_same_id_is_done(here, raw):
    here.start(Work)
    bodies(send(raw, number=5), 1)
    assert len(bodies(send(raw, number=6), 2)) == 2
    assert list(Work.done.values()) == [2]


def test_calls_that_want_no_reply_are_each_done(here, raw):
    here.start(Work)
    for times in (1, 2):
        raw.send("work_service.do", {"args": [5], "kwargs": {}}, correlation_id="one")
        eventually(lambda times=times: list(Work.done.values()) == [times])


def answer(size=1, is_error=False):
    return Answer(("application/json", "utf-8", b"x" * size), is_error)


def test_answers_are_forgotten_after_their_time():
    answered = Answered(seconds=0)
    answered.keep("one", answer())
    assert answered.find("one", redelivered=True) is None
    assert not answered._kept


@pytest.mark.parametrize(
    ("bounds", "size", "left"), [({"count_max": 3}, 1, 3), ({"size_max": 10}, 5, 2), ({"size_max": 10}, 11, 0)]
)
def test_the_oldest_answers_go_first(bounds, size, left):
    answered = Answered(**bounds)
    keys = list(range(10))
    for key in keys:
        answered.keep(key, answer(size))
        answered.keep(key, answer(size))  # takes the place of the other
    assert [key for key in keys if answered.find(key, redelivered=False)] == keys[len(keys) - left :]
    assert answered._size == left * size


def test_an_error_is_the_answer_to_the_same_message_only():
    answered, error = Answered(), answer(is_error=True)
    answered.keep("one", error)
    assert answered.find("one", redelivered=True) is error
    assert answered.find("one", redelivered=False) is None
