"""Calls that no worker begins, and methods that look other than they are."""

import functools
import logging

import pytest
from chassis import metrics
from chassis.rpc import rpc
from nameko.exceptions import IncorrectSignature, MethodNotFound


def given_a_session(method):
    @functools.wraps(method)
    def wrapped(self, *args, **kwargs):
        return method(self, "session", *args, **kwargs)

    return wrapped


class Decorated:
    name = "decorated_service"

    @rpc
    @given_a_session
    def find(self, session, what):
        return [session, what]


class Strict:
    name = "strict_service"

    @rpc
    def find(self, what):
        return what


def test_a_decorator_decides_what_a_method_takes(here):
    here.start(Decorated)
    decorated = here.calls().decorated_service
    assert decorated.find("a") == ["session", "a"]
    assert decorated.find(what="b") == ["session", "b"]


@pytest.fixture
def strict(here):
    here.start(Strict, INSTANCE={"id": "strict-1", "service": "strict_service", "release": "1.0.0"})
    return here.calls({"request_id": "R-1"}).strict_service


@pytest.mark.parametrize(
    ("method", "args", "error", "counted"),
    [("lose", [], MethodNotFound, "unknown"), ("find", [], IncorrectSignature, "find")],
)
def test_a_call_that_no_worker_begins_has_a_line_and_no_duration(strict, caplog, method, args, error, counted):
    caplog.set_level(logging.INFO)

    def numbers():
        return metrics._served[counted, error.__name__][0], sum(metrics._served_seconds[counted,][1:])

    before = numbers()
    with pytest.raises(error):
        getattr(strict, method).using(call_id="one")(*args)
    (line,) = [one for one in caplog.records if getattr(one, "event", None) == "call_refused"]
    assert (line.method, line.outcome, line.request_id) == (method, error.__name__, "R-1")
    assert line.call_id == f"strict_service.{method}.one"
    assert (line.service, line.instance, line.release) == ("strict_service", "strict-1", "1.0.0")
    assert numbers() == (before[0] + 1, before[1])
