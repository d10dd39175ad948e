"""Messages that nobody should send: the service answers an error or drops them, and goes on."""

import json
import pickle
import struct
import uuid

import pytest
from chassis.amqp import Outcome
from chassis.rpc import RpcProxy, rpc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .echoing import Echo

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


class Relay:
    name = "relay_service"
    echo = RpcProxy("echo_service")

    @rpc
    def relay(self, value):
        return self.echo.echo(value)


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


@pytest.mark.parametrize("stack", ["text", 5, None, [], [1, None], {"a": 1}], ids=repr)
def test_a_malformed_call_id_stack_does_no_harm(here, stack):
    here.start(Echo)
    here.start(Relay)
    reply = here.raw().call("relay_service.relay", 5, headers={"nameko.call_id_stack": stack})
    assert reply["result"] == 5 or reply["error"]
    assert here.calls().relay_service.relay(6) == 6
