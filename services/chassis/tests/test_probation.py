"""What an instance takes in each state of its state file, and that it follows the file."""

import json
import re
from pathlib import Path
from typing import ClassVar

import eventlet
import pytest
from chassis.errors import RpcTimeout
from chassis.http import http
from chassis.rpc import RpcProxy, rpc
from chassis.rpc.requests import Requests
from eventlet.green.urllib import request as green
from nameko.exceptions import UnknownService

from .conftest import eventually
from .work import link_of

ID = "held-2.0.0-b1@app1"
QUEUE = "rpc-held_service"


class HeldService:
    name = "held_service"
    done: ClassVar = []
    going_on = None
    itself = RpcProxy("held_service")

    @rpc
    def do(self, number):
        self.done.append(number)
        return number

    @rpc
    def hold(self, number):
        self.done.append(number)
        self.going_on.wait()
        return number

    @http("GET", "/hold/<number>")
    def hold_request(self, _request, number):
        return str(self.hold(int(number)))


class Instance:
    """An instance with a state file."""

    def __init__(self, here, path, service_cls, state, **settings):
        self.file = path / "state"
        self.say(state)
        instance = {"id": ID, "service": "held", "release": "2.0.0", "state_file": str(self.file)}
        self.container = here.start(service_cls, INSTANCE=instance, **settings)
        (server,) = (one for one in self.container.subextensions if hasattr(one, "bind_addr"))
        self.port = server._sock.getsockname()[1]

    def say(self, state):
        """As the module that writes it does: replaced whole."""
        new = Path(f"{self.file}.new")
        new.write_text(state)
        new.rename(self.file)

    def get(self, path):
        try:
            with green.urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
                return answer.status, answer.read()
        except green.HTTPError as error:
            return error.code, error.read()

    def ready(self):
        status, body = self.get("/ready")
        return status, json.loads(body)

    def takes(self, expected):
        """Wait until it takes calls, or no longer does."""
        eventually(lambda: self.ready()[1]["taking"] == expected)


@pytest.fixture
def instance(here, tmp_path):
    """A function that starts an instance of a service in a state."""
    HeldService.done, HeldService.going_on = [], eventlet.event.Event()

    def start(state, service_cls=HeldService, broker=here, **settings):
        return Instance(broker, tmp_path, service_cls, state, **settings)

    yield start
    if not HeldService.going_on.ready():
        HeldService.going_on.send()


def own_queues(rabbitmq, vhost):
    return [name for name in rabbitmq.queues(vhost) if name.startswith(f"{QUEUE}.")]


@pytest.mark.parametrize("state", ["probation", "held", "draining", "nonsense"])
def test_unless_admitted_it_leaves_calls_to_others_and_takes_those_to_itself(here, instance, rabbitmq, vhost, state):
    one = instance(state)
    calls = here.calls(timeout=0.5)
    with pytest.raises(RpcTimeout):
        calls.held_service.do(1)
    assert calls[ID].do(2) == 2
    assert HeldService.done == [2]
    assert rabbitmq.consumers(vhost, QUEUE) == 0
    status, body = one.ready()
    assert (status, body["taking"], body["checks"]) == (404 if state == "draining" else 503, False, {"broker": "ok"})


def test_admitted_it_takes_both(here, instance):
    one = instance("admitted")
    calls = here.calls()
    assert [calls.held_service.do(1), calls[ID].do(2)] == [1, 2]
    assert (one.ready()[0], one.ready()[1]["taking"]) == (200, True)


def test_nobody_else_is_called_by_its_id(here, instance):
    instance("admitted")
    for other in (ID.replace("b1", "b2"), "held-2.0.0-b1@app10", "held-2", "b1@app1"):
        with pytest.raises(UnknownService):
            here.calls()[other].do(1)


def test_its_own_queue_has_a_name_that_its_user_may_use_and_is_fresh_on_each_connection(
    there, instance, broker_proxy, rabbitmq, vhost
):
    one = instance("probation", broker=there)
    (first,) = own_queues(rabbitmq, vhost)
    assert re.fullmatch(r"rpc-held_service(\..*)?", first)  # fleet.translate.rabbitmq_users
    broker_proxy.cut()
    eventually(lambda: set(own_queues(rabbitmq, vhost)) - {first})
    one.container.stop()
    eventually(lambda: not own_queues(rabbitmq, vhost))  # and none is left behind


def test_calls_that_wait_are_taken_when_it_is_admitted(here, instance):
    one = instance("probation")
    reply = here.calls().held_service.do.call_async(1)
    assert here.calls()[ID].do(2) == 2
    one.say("admitted")
    assert reply.result() == 1
    one.takes(True)
    assert one.ready()[0] == 200


@pytest.mark.parametrize("state", ["draining", "probation"])
def test_calls_in_hand_are_answered_when_it_takes_no_more_and_it_can_be_admitted_again(
    here, instance, rabbitmq, vhost, state
):
    one = instance("admitted", max_workers=2)
    calls = here.calls().held_service
    in_hand = [calls.hold.call_async(number) for number in range(2)]
    eventually(lambda: len(HeldService.done) == 2)
    one.say(state)
    one.takes(False)
    assert rabbitmq.consumers(vhost, QUEUE) == 0
    late = calls.do.call_async(3)
    HeldService.going_on.send()
    assert [reply.result() for reply in in_hand] == [0, 1]
    assert here.calls()[ID].do(4) == 4
    assert 3 not in HeldService.done
    one.say("admitted")
    assert late.result() == 3


def test_without_its_file_it_is_not_admitted(here, instance):
    one = instance("admitted")
    one.file.unlink()
    one.takes(False)
    one.say("admitted")
    assert here.calls().held_service.do(1) == 1


@pytest.mark.parametrize("state", ["probation", "admitted", "draining"])
def test_a_new_connection_finds_it_in_the_state_that_it_had(
    here, there, instance, broker_proxy, rabbitmq, vhost, state
):
    one = instance(state, broker=there)
    first = link_of(one.container).connection
    broker_proxy.cut()
    eventually(lambda: link_of(one.container).connection not in (None, first))
    assert here.calls()[ID].do(1) == 1
    one.takes(state == "admitted")
    assert rabbitmq.consumers(vhost, QUEUE) == (state == "admitted")


@pytest.mark.parametrize(("before", "after"), [("probation", "admitted"), ("admitted", "draining")])
def test_a_state_that_changes_without_a_broker_is_followed_when_there_is_one(
    here, there, instance, broker_proxy, rabbitmq, vhost, before, after
):
    one = instance(before, broker=there)
    broker_proxy.refuse()
    broker_proxy.cut()
    eventually(lambda: link_of(one.container).connection is None)
    one.say(after)
    eventually(lambda: one.container.admission.state == after)
    broker_proxy.heal()
    one.takes(after == "admitted")
    eventually(lambda: link_of(one.container).connection)
    assert here.calls()[ID].do(1) == 1
    assert rabbitmq.consumers(vhost, QUEUE) == (after == "admitted")


@pytest.mark.parametrize("state", ["probation", "draining"])
def test_it_stops_as_ever(here, instance, rabbitmq, vhost, state):
    one = instance(state)
    reply = here.calls()[ID].hold.call_async(1)
    eventually(lambda: HeldService.done)
    stopping = eventlet.spawn(one.container.stop)
    (requests,) = (user for user in link_of(one.container).users if isinstance(user, Requests))
    eventually(lambda: not own_queues(rabbitmq, vhost))  # auto-delete: nobody consumes it any more
    requests.take(True)  # it was admitted in this very moment
    assert not requests.taking
    HeldService.going_on.send()
    assert reply.result() == 1
    stopping.wait()


def test_ready_tells_what_is_in_hand_the_longest_first(here, instance):
    one = instance("admitted", max_workers=3)
    calls = here.calls()
    first = calls.held_service.hold.using(call_id="mine").call_async(0)
    eventually(lambda: HeldService.done == [0])
    request = eventlet.spawn(one.get, "/hold/1")
    eventually(lambda: HeldService.done == [0, 1])
    _, body = one.ready()
    assert body["in_hand"] == 2
    assert [call["method"] for call in body["calls"]] == ["hold", "GET /hold/<number>"]
    assert body["calls"][0]["call_id"] == "held_service.hold.mine"  # as its log lines have it
    assert body["calls"][1]["call_id"].startswith("held_service.hold_request.")
    assert body["calls"][0]["seconds"] >= body["calls"][1]["seconds"] >= 0
    HeldService.going_on.send()
    assert (first.result(), request.wait()[1]) == (0, b"1")
    eventually(lambda: one.ready()[1]["in_hand"] == 0)


def test_ready_shows_twenty_calls_at_most_and_counts_all_those_that_wait_too(here, instance):
    one = instance("admitted", max_workers=30)
    calls = here.calls(timeout=30)
    replies = [calls[ID].hold.call_async(number) for number in range(5)]
    replies += [calls.held_service.hold.call_async(number) for number in range(20)]
    eventually(lambda: one.ready()[1]["in_hand"] == 25)
    assert len(one.ready()[1]["calls"]) == 20
    HeldService.going_on.send()
    assert len([reply.result() for reply in replies]) == 25
