"""A service whose calls are counted, for tests that break what is under it."""

from collections import Counter
from typing import ClassVar

import eventlet
from chassis.calls import Call
from chassis.rpc import RpcProxy, rpc
from chassis.rpc.requests import Requests

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


def assert_rules_kept(records):
    broken = [one.getMessage() for one in records if any(text in one.getMessage() for text in BROKEN_RULES)]
    assert not broken
