"""Replies that nobody should send: the caller is told, or drops them, and goes on."""

import json
import uuid

import eventlet
import pytest
from chassis import metrics
from chassis.amqp import Outcome
from chassis.rpc import wire
from nameko.exceptions import MalformedRequest, RemoteError


def test_a_reply_to_nobody_is_dropped(echo):
    own = {"content_type": "application/json", "correlation_id": "nobody's"}
    assert echo.raw.send(echo.proxy._caller._reply_to, b"{}", **own) is Outcome.CONFIRMED
    assert echo.raw.send(echo.proxy._caller._reply_to, b"", content_type="x") is Outcome.CONFIRMED
    assert echo.proxy.echo(1) == 1
    echo.check()


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{}", b'{"error": null}', b'{"error": "text", "result": 1}', b"\xff",
             b'{"error": [], "result": 1}'],
    ids=repr,
)  # fmt: skip
def test_a_reply_that_is_none_is_an_error(echo, body):
    def answer(message):
        own = {"content_type": "application/json", "content_encoding": "utf-8"}
        properties = message.properties
        eventlet.spawn(echo.raw.send, properties.reply_to, body, correlation_id=properties.correlation_id, **own)

    with fake_service(echo.raw, answer) as name, pytest.raises(MalformedRequest):
        echo.calls[name].anything()
    echo.check()


def test_an_error_in_a_reply_that_lacks_what_it_needs_is_an_error(echo):
    def answer(message):
        body = {"result": None, "error": {"value": 1}}
        eventlet.spawn(echo.raw.send, message.properties.reply_to, body,
                       correlation_id=message.properties.correlation_id)  # fmt: skip

    with fake_service(echo.raw, answer) as name, pytest.raises((MalformedRequest, RemoteError)):
        echo.calls[name].anything()


def test_a_reply_that_says_nothing_of_errors_is_a_result(echo):
    def answer(message):
        own = {"content_type": "application/json", "correlation_id": message.properties.correlation_id}
        eventlet.spawn(echo.raw.send, message.properties.reply_to, b'{"result": 7}', **own)

    with fake_service(echo.raw, answer) as name:
        assert echo.calls[name].anything() == 7
    echo.check()


@pytest.mark.parametrize("name", [["x"], {"x": 1}, 7, "\ud800"], ids=repr)
def test_an_error_of_no_proper_name_is_an_error_and_counted(echo, name):
    def answer(message):
        body = {"result": None, "error": {"exc_type": name, "exc_path": "", "exc_args": [], "value": "odd"}}
        own = {"content_type": "application/json", "correlation_id": message.properties.correlation_id}
        eventlet.spawn(echo.raw.send, message.properties.reply_to, json.dumps(body).encode(), **own)

    with fake_service(echo.raw, answer) as service, pytest.raises(RemoteError, match="odd"):
        echo.calls[service].anything()
    metrics.exposition()
    echo.check()


class fake_service:  # noqa: N801 - used as a function
    """A queue bound as a service's, whose requests are given to a function."""

    def __init__(self, raw, answer):
        self.name, self._connection = f"fake_{uuid.uuid4().hex}", raw.connection
        wire.declare_queue(raw.connection, {}, self.name, f"{self.name}.*", exclusive=True)
        self._tag = raw.connection.consume(self.name, answer, no_ack=True)

    def __enter__(self):
        return self.name

    def __exit__(self, *_):
        self._connection.cancel(self._tag)
