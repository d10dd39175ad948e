"""Calls end: with a result, an error, or at their deadline. The broker's part is played by stand-ins."""

from contextlib import nullcontext
from types import SimpleNamespace

import eventlet
import pytest
from amqp.exceptions import MessageNacked, PreconditionFailed
from chassis.errors import NotFound, RpcTimeout, Unavailable
from chassis.rpc import MethodProxy, Publisher, ReplyListener, RpcProxy, ServiceProxy
from kombu.exceptions import ChannelError, OperationalError
from nameko.exceptions import RemoteError, UnknownService, serialize
from nameko.rpc import RpcProxy as NamekoRpcProxy

TIMEOUT = 0.05  # seconds


class Broker:
    """Takes messages as `publish` says, and lets a test answer them."""

    def __init__(self, monkeypatch, publish=lambda: None):
        self.listener = ReplyListener()
        self.listener.routing_key = "replies"
        self.published = []

        def take(_publisher, payload, **options):
            publish()
            self.published.append((payload, options))

        monkeypatch.setattr(MethodProxy.publisher_cls, "publish", take)
        container = SimpleNamespace(config={"AMQP_URI": "amqp://nobody.invalid/", "RPC_TIMEOUT": TIMEOUT})
        worker_ctx = SimpleNamespace(container=container, context_data={"request_id": "mine"})
        self.proxy = ServiceProxy(worker_ctx, "airports_service", self.listener)

    def answer(self, **body):
        _, options = self.published[-1]
        (event,) = [event for key, event in self.listener._reply_events.items() if key == options["correlation_id"]]
        event.send({"result": None, "error": None, **body})


@pytest.fixture
def broker(monkeypatch):
    return Broker(monkeypatch)


def test_it_is_a_drop_in():
    assert issubclass(RpcProxy, NamekoRpcProxy)


def test_a_call_goes_out_as_namekos_does_with_the_request_id(broker):
    broker.proxy.get.call_async("x", limit=2)
    ((payload, options),) = broker.published
    assert payload == {"args": ("x",), "kwargs": {"limit": 2}}
    assert options["routing_key"] == "airports_service.get"
    assert (options["reply_to"], options["mandatory"]) == ("replies", True)
    assert options["extra_headers"] == {"nameko.request_id": "mine"}


def test_the_result_is_returned(broker):
    reply = broker.proxy.get.call_async("x")
    broker.answer(result="Tehran")
    assert (reply.result(), reply.result()) == ("Tehran", "Tehran")


def test_an_error_is_raised_as_what_it_is(broker):
    reply = broker.proxy.get.call_async("x")
    broker.answer(error=serialize(NotFound("no such airport")))
    with pytest.raises(NotFound, match="no such airport"):
        reply.result()
    reply = broker.proxy.get.call_async("x")
    broker.answer(error=serialize(KeyError("x")))
    with pytest.raises(RemoteError, match="KeyError"):
        reply.result()


def test_without_an_answer_it_ends_at_its_deadline_and_says_what_did_not_answer(broker):
    with eventlet.Timeout(5), pytest.raises(RpcTimeout, match=r"airports_service.get did not answer within 0.05 s"):
        broker.proxy.get("x")
    assert not broker.listener._reply_events  # nothing is kept for it


def test_the_deadline_runs_from_the_call_not_from_the_wait(broker):
    reply = broker.proxy.get.call_async("x")
    eventlet.sleep(TIMEOUT)
    with eventlet.Timeout(TIMEOUT / 2), pytest.raises(RpcTimeout):
        reply.result()


def test_an_answer_in_time_is_there_also_after_the_deadline(broker):
    reply = broker.proxy.get.call_async("x")
    broker.answer(result="Tehran")
    eventlet.sleep(2 * TIMEOUT)
    assert reply.result() == "Tehran"


def test_a_broker_that_does_not_take_the_message_ends_it_too(monkeypatch):
    broker = Broker(monkeypatch, publish=lambda: eventlet.sleep(5))
    with eventlet.Timeout(2), pytest.raises(RpcTimeout):
        broker.proxy.get("x")
    assert not broker.listener._reply_events


def test_a_connection_whose_publish_was_interrupted_is_not_used_again(monkeypatch):
    ended = []
    connection = SimpleNamespace(collect=lambda: ended.append(True))
    producer = SimpleNamespace(connection=connection, publish=lambda *_args, **_options: eventlet.sleep(5))
    monkeypatch.setattr("chassis.rpc.get_producer", lambda *_args: nullcontext(producer))
    with eventlet.Timeout(TIMEOUT, False):
        Publisher("amqp://nobody.invalid/").publish({})
    assert ended


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (ChannelError("Basic.publish: (312) NO_ROUTE"), UnknownService),
        (OperationalError("down"), Unavailable),
        (ConnectionRefusedError(), Unavailable),
        (MessageNacked(), Unavailable),
        (PreconditionFailed("odd"), Unavailable),
        (TypeError("a bug"), TypeError),
    ],
)
def test_a_message_that_can_not_be_sent_is_an_error_at_once(monkeypatch, error, raised):
    def fail():
        raise error

    broker = Broker(monkeypatch, publish=fail)
    with pytest.raises(raised):
        broker.proxy.get("x")
    assert not broker.listener._reply_events
