"""Messages that nobody should send: the service answers an error or drops them, and goes on."""

import json
import math
import pickle
import struct
import uuid

import eventlet
import pytest
from chassis.amqp import Outcome
from chassis.rpc import RpcProxy, rpc, wire
from chassis.rpc.requests import Requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kombu.compression import compress
from nameko.exceptions import MalformedRequest, MethodNotFound, RemoteError, UnknownService, UnserializableValueError

from .conftest import SECONDS, Here, Raw, eventually

MEBIBYTE = 2**20
text = st.text(st.characters(codec="utf-8"), max_size=30)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**31), 2**31 - 1)
    | text
    | st.floats(allow_nan=False, allow_infinity=False, width=16),
    lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(text, deeper, max_size=3),
    max_leaves=6,
)
bodies = st.one_of(
    st.binary(max_size=100),
    values.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries({}, optional={"args": values, "kwargs": values, "other": values}).map(
        lambda value: json.dumps(value).encode()
    ),
)
content_types = (
    st.none()
    | text
    | st.sampled_from(
        ["application/json", "application/x-python-serialize", "application/x-yaml", "text/plain", "application/data"]
    )
)
header_names = text | st.sampled_from(
    ["nameko.call_id_stack", "nameko.request_id", "nameko.language", "fleet-deadline-ms", "compression"]
)
messages = st.fixed_dictionaries(
    {"body": bodies, "routing_key": st.sampled_from(["echo", "nothing", "", "öde", "x" * 200])},
    optional={
        "content_type": content_types,
        "content_encoding": st.none() | text | st.sampled_from(["utf-8", "binary", "latin-1", "us-ascii", "idna"]),
        "headers": st.dictionaries(header_names, values, max_size=4),
        "correlation_id": text,
        "reply_to": text | st.just("own"),
        "expiration": st.just("60000"),
        "priority": st.integers(0, 9),
    },
)


class Echo:
    name = "echo_service"

    @rpc
    def echo(self, value):
        return value

    @rpc
    def size(self, value):
        return len(value)

    @rpc
    def large(self, size):
        return "x" * size

    @rpc
    def large_and_odd(self, size):
        return ["x" * size, object()]

    @rpc
    def large_error(self, size):
        raise RuntimeError("x" * size)

    @rpc
    def odd_error(self):
        raise OddError(object())

    @rpc
    def odd(self):
        return {"no repr": NoRepr()}


class Relay:
    name = "relay_service"
    echo = RpcProxy("echo_service")

    @rpc
    def relay(self, value):
        return self.echo.echo(value)


class OddError(Exception):
    pass


class NoRepr:
    def __repr__(self):
        raise RuntimeError("no repr")


@pytest.fixture(scope="module")
def echo(rabbitmq):
    """A service, a peer that sends it what it likes, and a caller."""
    vhost = rabbitmq.add_vhost()
    here = Here(rabbitmq.uri(vhost))
    container = here.start(Echo)
    yield Echoing(here, container)
    here.close()
    rabbitmq.delete_vhost(vhost)


class Echoing:
    def __init__(self, here, container):
        self.uri = here.uri
        self.raw, self.calls = here.raw(), here.calls(ACCEPT=["json", "pickle"])
        self.proxy = self.calls.echo_service
        self.link = next(one.link for one in container.extensions if hasattr(one, "link"))
        (self.requests,) = (user for user in self.link.users if isinstance(user, Requests))
        self.connection = self.link.connection

    def send_frames(self, *sent):
        """Over a connection that RabbitMQ may end because of it."""
        sender = Raw(self.uri)
        sender.send_frames(*sent)
        sender.close()

    def check(self):
        """It answers a good call, on the connection that it had, and holds on to nothing."""
        with eventlet.Timeout(SECONDS):
            assert self.proxy.echo("still here") == "still here"
            eventually(lambda: not self.requests._in_hand and not self.requests._backlog)
        assert self.link.connection is self.connection
        assert not self.connection.lost.ready()


@settings(deadline=None, derandomize=True, max_examples=150, suppress_health_check=list(HealthCheck))
@given(messages)
def test_any_message_is_answered_or_dropped(echo, message):
    message = dict(message)
    method, body = message.pop("routing_key"), message.pop("body")
    if message.get("reply_to") == "own":
        message["reply_to"] = echo.raw.reply_to
    answered = message.get("reply_to") == echo.raw.reply_to and message.get("correlation_id")
    if answered:
        message["correlation_id"] = answered = str(uuid.uuid4())
    assert echo.raw.send(f"echo_service.{method}", body, **message) is Outcome.CONFIRMED
    if answered:
        reply = echo.raw.reply(answered)
        assert set(reply) == {"result", "error"}
    echo.check()


@settings(deadline=None, derandomize=True, max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**16 - 1), st.binary(max_size=60), st.binary(max_size=30), st.binary(max_size=30))
def test_a_header_that_is_no_amqp_is_dropped(echo, flags, properties, body, method):
    # RabbitMQ itself closes the sender's channel for some of it.
    header = struct.pack(">HHQH", 60, 0, len(body), flags & 0xFFFE) + properties
    echo.send_frames(b"echo_service." + method.replace(b".", b""), header, body)
    echo.check()


@pytest.mark.parametrize("field", ["content_type", "content_encoding", "correlation_id", "reply_to", "headers"])
def test_texts_that_are_no_utf_8_are_dropped(echo, field):
    flag = {"content_type": 15, "content_encoding": 14, "headers": 13, "correlation_id": 10, "reply_to": 9}[field]
    value = b"\0\0\0\x08\x02\xff\xfeS\0\0\0\0" if field == "headers" else b"\x02\xff\xfe"
    header = struct.pack(">HHQH", 60, 0, 2, 1 << flag) + value
    echo.send_frames(b"echo_service.echo", header, b"{}")
    echo.check()


@pytest.mark.parametrize("method", [b"\xff\xfe", b"echo\xff", b""])
def test_a_method_whose_name_is_no_utf_8_is_dropped(echo, method):
    echo.send_frames(b"echo_service." + method, struct.pack(">HHQH", 60, 0, 2, 0), b"{}")
    echo.check()


@pytest.mark.parametrize(
    "value",
    [b"t\1", b"b\xff", b"B\xff", b"s\xff\xff", b"U\xff\xff", b"u\xff\xff", b"I\xff\xff\xff\xff", b"i\xff\xff\xff\xff",
     b"l" + b"\xff" * 8, b"L" + b"\xff" * 8, b"f\x7f\xc0\0\0", b"d\x7f\xf8" + b"\0" * 6, b"D\xff\xff\xff\xff\xff",
     b"S\0\0\0\2\xff\xfe", b"x\0\0\0\1\xff", b"A\0\0\0\2t\1", b"T" + b"\xff" * 8, b"T\x7f" + b"\xff" * 7,
     b"F\0\0\0\0", b"V"],
    ids=lambda value: value[:1].decode() + str(len(value)),
)  # fmt: skip
def test_a_header_of_any_type_does_no_harm(echo, value):
    table = b"\1a" + value
    header = struct.pack(">HHQHI", 60, 0, 2, 1 << 13, len(table)) + table
    echo.send_frames(b"echo_service.echo", header, b"{}")
    echo.check()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"{}", b'{"args": []}', b'{"args": {}, "kwargs": {}}',
             b'{"args": [], "kwargs": []}', b'{"args": "ab", "kwargs": {}}', b"\xff\xfe", b"[" * 100_000],
    ids=lambda body: body[:20].decode(errors="replace"),
)  # fmt: skip
def test_a_malformed_body_is_told(echo, body):
    own = {"correlation_id": str(uuid.uuid4()), "reply_to": echo.raw.reply_to}
    echo.raw.send("echo_service.echo", body, content_type="application/json", content_encoding="utf-8", **own)
    assert echo.raw.reply(own["correlation_id"])["error"]["exc_type"] == "MalformedRequest"
    echo.check()


@pytest.mark.parametrize("left_out", ["content_type", "content_encoding", "correlation_id", "reply_to", "all"])
def test_a_message_without_a_property_does_no_harm(echo, left_out):
    given_ = {
        "content_type": "application/json",
        "content_encoding": "utf-8",
        "correlation_id": str(uuid.uuid4()),
        "reply_to": echo.raw.reply_to,
    }
    body = json.dumps({"args": [1], "kwargs": {}}).encode()
    rest = {name: value for name, value in given_.items() if left_out not in (name, "all")}
    echo.raw.send("echo_service.echo", body, **rest)
    echo.check()
    if left_out.startswith("content"):
        reply = echo.raw.reply(given_["correlation_id"])
        assert reply["result"] == 1 or reply["error"]["exc_type"] == "MalformedRequest"


def test_pickle_is_refused_where_it_is_not_accepted(echo):
    unpickled = pickle.dumps({"args": [1], "kwargs": {}})
    own = {"correlation_id": str(uuid.uuid4()), "reply_to": echo.raw.reply_to}
    echo.raw.send("echo_service.echo", unpickled, content_type="application/x-python-serialize",
                  content_encoding="binary", **own)  # fmt: skip
    error = echo.raw.reply(own["correlation_id"])["error"]
    assert error["exc_type"] == "MalformedRequest"
    assert "pickle" in error["value"]
    echo.check()


def compressed(echo, content, compression, method="size"):
    """Send a body as Nameko's proxies do with `compression`, and return the body of the reply."""
    own = {"correlation_id": str(uuid.uuid4()), "reply_to": echo.raw.reply_to}
    echo.raw.send(f"echo_service.{method}", content, content_type="application/json", content_encoding="utf-8",
                  headers={"compression": compression}, **own)  # fmt: skip
    return echo.raw.reply(own["correlation_id"])


@pytest.mark.parametrize("name", ["gzip", "zlib", "bzip2"])
def test_a_compressed_call_is_answered(echo, name):
    content, compression = compress(json.dumps({"args": ["ö" * MEBIBYTE], "kwargs": {}}), name)
    assert compressed(echo, content, compression) == {"result": MEBIBYTE, "error": None}


GZIP = "application/x-gzip"


@pytest.mark.parametrize(
    ("content", "compression", "reason"),
    [
        (compress("x" * 16 * MEBIBYTE + "x", "gzip")[0], GZIP, "more than 16777216 bytes"),
        (compress("x" * 32 * MEBIBYTE, "bzip2")[0], "application/x-bz2", "more than 16777216 bytes"),
        (compress('{"args": ["x"], "kwargs": {}}', "gzip")[0][:-5], GZIP, "cut off"),
        (b"{}", GZIP, "can't be read"),
        (b"", GZIP, "cut off"),
        (b"{}", "application/x-lzma", "gzip or bzip2, not 'application/x-lzma'"),
        (b"{}", ["a"], "can't be read"),
    ],
    ids=["gzip bomb", "bzip2 bomb", "cut off", "not compressed", "nothing", "another compression", "no text"],
)
def test_a_call_that_is_not_properly_compressed_is_told(echo, content, compression, reason):
    error = compressed(echo, content, compression)["error"]
    assert error["exc_type"] == "MalformedRequest"
    assert reason in error["value"]
    echo.check()


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


def test_an_argument_of_ten_mebibytes_arrives(echo):
    assert echo.proxy.size("x" * 10 * MEBIBYTE) == 10 * MEBIBYTE
    echo.check()


def test_a_result_of_ten_mebibytes_arrives(echo):
    assert len(echo.proxy.large(10 * MEBIBYTE)) == 10 * MEBIBYTE
    echo.check()


def test_an_argument_that_rabbitmq_would_not_take_is_refused(echo):
    with pytest.raises(UnserializableValueError, match=r"16777[0-9]{3} bytes, where RabbitMQ takes 16777216 at most"):
        echo.proxy.size("x" * 16 * MEBIBYTE)
    echo.check()


@pytest.mark.parametrize("method", ["large", "large_and_odd"])
def test_a_result_that_rabbitmq_would_not_take_is_told(echo, method):
    with pytest.raises(RemoteError) as raised:
        getattr(echo.proxy, method)(17 * MEBIBYTE)
    assert raised.value.exc_type == "UnserializableValueError"
    assert len(str(raised.value)) < 10_000
    echo.check()


def test_an_error_that_rabbitmq_would_not_take_is_told(echo):
    with pytest.raises(RemoteError):
        echo.proxy.large_error(17 * MEBIBYTE)
    echo.check()


def test_an_error_with_an_argument_that_cannot_be_sent_is_told(echo):
    with pytest.raises(RemoteError, match="OddError <object object"):
        echo.proxy.odd_error()
    echo.check()


def test_a_result_without_a_repr_is_told(echo):
    with pytest.raises(RemoteError, match="__repr__ failed"):
        echo.proxy.odd()
    echo.check()


def test_unknown_methods_and_services_are_told(echo):
    with pytest.raises(MethodNotFound):
        echo.proxy.nothing()
    with pytest.raises(UnknownService):
        echo.calls.nobody_service.nothing()
    echo.check()


@pytest.mark.parametrize("value", [object(), {"a": {1, 2}}], ids=["object", "set"])
def test_an_argument_that_cannot_be_serialized_is_refused(echo, value):
    with pytest.raises(UnserializableValueError):
        echo.proxy.echo(value)
    echo.check()


@pytest.mark.parametrize(
    "context",
    [{"a": "x" * 200_000}, {"a": object()}, {"a": 2**70}, {"a": [{"a": math.nan}]}, {"a": -math.inf}],
    ids=["big", "odd", "large", "nan", "inf"],
)
def test_context_that_cannot_be_sent_is_refused_and_not_tried_again(here, context):
    here.start(Echo)
    cluster = here.calls(context)
    with pytest.raises(ValueError, match="message's"):
        cluster.echo_service.echo(1)
    caller = cluster.echo_service._caller
    caller._connection.close()
    good = here.calls().echo_service
    assert good.echo(1) == 1
    eventually(lambda: caller._connection)
    with pytest.raises(ValueError, match="message's"):
        cluster.echo_service.echo(1)


@pytest.mark.parametrize("stack", ["text", 5, None, [], [1, None], {"a": 1}], ids=repr)
def test_a_malformed_call_id_stack_does_no_harm(here, stack):
    here.start(Echo)
    here.start(Relay)
    reply = here.raw().call("relay_service.relay", 5, headers={"nameko.call_id_stack": stack})
    assert reply["result"] == 5 or reply["error"]
    assert here.calls().relay_service.relay(6) == 6
