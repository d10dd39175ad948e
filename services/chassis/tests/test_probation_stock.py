"""What Nameko's own entrypoints take in each state of the state file (`stock_entrypoints`)."""

import kombu
import pytest
from chassis.errors import RpcTimeout
from chassis.standalone import ServiceRpcProxy
from chassis.testing import until
from nameko.standalone.events import event_dispatcher

from .instances import TESTS, InstanceRun

ECHOING = """
from nameko.rpc import rpc


class EchoingService:
    name = "echoing_service"

    @rpc
    def echo(self, text):
        return text
"""


@pytest.fixture
def marks(tmp_path):
    """A function that returns what the service has done, and one that forgets it."""
    path = tmp_path / "marks"
    path.touch()
    return lambda: set(path.read_text().splitlines()), lambda: path.write_text("")


@pytest.fixture
def uri(rabbitmq, vhost):
    return rabbitmq.uri(vhost)


@pytest.fixture
def send(uri):
    """A function that sends an event and a message, and returns when RabbitMQ has them."""

    def both(number):
        event_dispatcher({"AMQP_URI": uri})("source_service", "happened", number)
        with kombu.Connection(uri) as connection:
            connection.Producer().publish(number, routing_key="messages", declare=[kombu.Queue("messages")])

    return both


@pytest.fixture
def instance(tmp_path, uri):
    """A function that starts the service in a state, beside another one that it calls."""
    (tmp_path / "echoing.py").write_text(ECHOING)
    paths = (tmp_path, TESTS)
    running = [InstanceRun(tmp_path, "echoing", "echoing-1", uri, paths=paths)]

    def start(state):
        running[0].say("admitted")
        environment = {"MARKS": str(tmp_path / "marks")}
        running.append(InstanceRun(tmp_path, "stock_entrypoints", "stock-1", uri, environment=environment))
        running[1].say(state)
        for one in running:
            one.start()
        until(lambda: running[0].ready()[0] == 200)
        until(lambda: running[1].ready()[1].get("checks") == {"broker": "ok"})
        return running[1]

    yield start
    for one in running:
        one.kill()


def assert_does_nothing(instance, marks, send, uri):
    done, forget = marks
    forget()
    send(1)
    assert instance.get("/call/x") == (200, b"x")  # replies to what it calls come all the same
    with ServiceRpcProxy("stock_service", {"AMQP_URI": uri}) as stock, pytest.raises(RpcTimeout):
        stock.do.using(timeout=1)(1)  # as long as ten turns of its timer
    assert not done()


def assert_does_everything(instance, marks, send, uri):
    done, forget = marks
    forget()
    send(2)
    with ServiceRpcProxy("stock_service", {"AMQP_URI": uri}) as stock:
        assert stock.do(2) == "rpc 2"
    until(lambda: done() >= {"rpc 2", "event 2", "message 2", "tick"})
    assert instance.get("/call/x") == (200, b"x")
    assert instance.ready()[0] == 200


def test_in_probation_it_is_connected_and_takes_nothing(instance, marks, send, uri, rabbitmq, vhost):
    one = instance("probation")
    status, body = one.ready()
    assert (status, body["taking"], body["checks"]) == (503, False, {"broker": "ok"})
    # No queue that would collect events for an instance that may never be admitted.
    assert {name for name in rabbitmq.queues(vhost) if not name.startswith("rpc.reply-")} == {"rpc-echoing_service"}
    with ServiceRpcProxy("echoing_service", {"AMQP_URI": uri}) as echoing:
        assert echoing.echo("x") == "x"
    assert one.get("/call/x") == (200, b"x")
    assert not marks[0]()
    one.say("admitted")
    until(lambda: one.ready()[0] == 200)
    assert "eager tick" in marks[0]()
    assert_does_everything(one, marks, send, uri)


def test_draining_it_takes_no_more_and_everything_again_when_admitted(instance, marks, send, uri):
    one = instance("admitted")
    until(lambda: one.ready()[0] == 200)
    assert_does_everything(one, marks, send, uri)
    for state in ("draining", "probation"):
        one.say(state)
        until(lambda: not one.ready()[1]["taking"])
        assert_does_nothing(one, marks, send, uri)
        one.say("admitted")
        until(lambda: marks[0]() >= {"event 1", "message 1", "tick"})  # what waited
        until(lambda: one.ready()[0] == 200)
        assert_does_everything(one, marks, send, uri)


@pytest.mark.parametrize("state", ["probation", "admitted", "draining"])
def test_it_ends_as_ever(instance, state):
    one = instance(state)
    assert one.terminate() == 0
