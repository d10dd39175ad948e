"""Frames: however the network cuts a stream, they are the same; what is no AMQP is told as such."""

import itertools
from contextlib import suppress

import pytest
from chassis.amqp import AmqpError, frames
from chassis.amqp.connection import _HANDLERS
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import body, commands, header, heartbeat
from pamqp.frame import marshal

FRAME_MAX = 4096
text = st.text(st.characters(codec="utf-8"), max_size=40)
some_text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)  # pamqp leaves empty properties out
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | text,
    lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(text, deeper, max_size=3),
    max_leaves=5,
)
properties = st.builds(
    commands.Basic.Properties,
    headers=st.dictionaries(some_text, values, min_size=1, max_size=4),
    correlation_id=some_text,
    reply_to=some_text,
    content_type=some_text,
    delivery_mode=st.sampled_from((1, 2)),
)
sent = st.one_of(
    st.builds(commands.Basic.Deliver, text, st.integers(0, 2**63 - 1), st.booleans(), st.just("nameko-rpc"), text),
    st.builds(commands.Basic.Ack, st.integers(0, 2**63 - 1), st.booleans()),
    st.builds(header.ContentHeader, st.just(0), st.integers(0, 2**40), properties),
    st.builds(body.ContentBody, st.binary(min_size=1, max_size=200)),
    st.builds(heartbeat.Heartbeat),
)


def shown(frame):
    """A frame as something that can be compared."""
    if isinstance(frame, body.ContentBody):
        return frame.value
    if isinstance(frame, header.ContentHeader):
        return frame.body_size, dict(frame.properties)
    return type(frame), dict(frame) if not isinstance(frame, heartbeat.Heartbeat) else None


def cut(stream, places):
    places = sorted({place % (len(stream) + 1) for place in places} | {0, len(stream)})
    return [stream[start:end] for start, end in itertools.pairwise(places)]


@settings(deadline=None, derandomize=True, max_examples=80)
@given(st.lists(sent, max_size=6), st.lists(st.integers(0, 10**6), max_size=8))
def test_a_stream_gives_the_same_frames_wherever_it_is_cut(expected, places):
    stream = b"".join(marshal(frame, 1) for frame in expected)
    decoder = frames.Decoder()
    got = [frame for piece in cut(stream, places) for frame in decoder.feed(piece)]
    assert [shown(frame) for frame in got] == [shown(frame) for frame in expected]


def test_a_stream_may_come_byte_by_byte():
    stream = frames.HEARTBEAT + frames.method(commands.Basic.Ack(7)) + frames.HEARTBEAT
    decoder = frames.Decoder()
    got = [frame for number in stream for frame in decoder.feed(bytes([number]))]
    assert [type(frame) for frame in got] == [heartbeat.Heartbeat, commands.Basic.Ack, heartbeat.Heartbeat]


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.binary(max_size=300))
def test_garbage_is_an_amqp_error_or_waited_for(data):
    decoder = frames.Decoder()
    decoder.frame_max = FRAME_MAX
    with suppress(AmqpError):
        decoder.feed(data)
        assert len(decoder._buffer) < FRAME_MAX + 8


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.sampled_from((1, 2, 3, 8)), st.binary(max_size=60))
def test_garbage_in_a_frame_is_an_amqp_error_or_a_frame(kind, payload):
    stream = bytes([kind]) + b"\0\1" + len(payload).to_bytes(4, "big") + payload + b"\xce"
    with suppress(AmqpError):
        frames.Decoder().feed(stream)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(sent, st.data())
def test_a_damaged_frame_is_an_amqp_error_or_a_frame(frame, data):
    stream = bytearray(marshal(frame, 1))
    stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    with suppress(AmqpError):
        frames.Decoder().feed(bytes(stream))


def test_a_message_keeps_its_place_when_its_properties_cannot_be_read():
    whole = marshal(header.ContentHeader(0, 7, commands.Basic.Properties(correlation_id="one", app_id="x" * 20)), 1)
    payload = whole[7:-1]
    for end in range(12, len(payload)):  # class, weight and size of the body come first
        stream = b"\2\0\1" + end.to_bytes(4, "big") + payload[:end] + b"\xce"
        (head,) = frames.Decoder().feed(stream)
        assert (head.body_size, dict(head.properties)) == (7, dict(commands.Basic.Properties()))


@pytest.mark.parametrize("exchange", ["ä|~".encode(), b"x" * 200, b"\xff"], ids=["odd", "long", "no text"])
def test_a_delivery_through_an_exchange_of_any_name_is_read(exchange):
    """RabbitMQ takes such names, and would deliver the message again to the next connection."""
    whole = marshal(commands.Basic.Deliver("tag", 5, True, "", "a.method"), 1)[7:-1]
    payload = whole.replace(b"\0\x08a.method", bytes([len(exchange)]) + exchange + b"\x08a.method")
    (found,) = frames.Decoder().feed(b"\1\0\1" + len(payload).to_bytes(4, "big") + payload + b"\xce")
    assert (found.delivery_tag, found.redelivered, found.routing_key) == (5, True, "a.method")


@pytest.mark.parametrize("short", range(1, 10))
def test_a_delivery_that_is_cut_off_is_an_amqp_error(short):
    payload = marshal(commands.Basic.Deliver("tag", 1, False, "nameko-rpc", "a.method"), 1)[7:-1][:-short]
    stream = b"\1\0\1" + len(payload).to_bytes(4, "big") + payload + b"\xce"
    with pytest.raises(AmqpError, match="can't be read"):
        frames.Decoder().feed(stream)


@pytest.mark.parametrize(
    "frame",
    [
        body.ContentBody(b"x"),
        header.ContentHeader(0, 1, commands.Basic.Properties()),
        commands.Basic.Deliver("tag", 1, False, "nameko-rpc", "a.method"),
        commands.Basic.Ack(1),
        heartbeat.Heartbeat(),
    ],
    ids=lambda frame: frame.name,
)
def test_a_frame_that_ends_otherwise_than_frames_do_is_an_amqp_error(frame):
    with pytest.raises(AmqpError, match="can't be read"):
        frames.Decoder().feed(marshal(frame, 1)[:-1] + b"\0")


@pytest.mark.parametrize("data", [b"AMQP\0\0\x09\1", b"AMQP\x03\1\0\0"])
def test_another_version_of_the_protocol_is_named(data):
    with pytest.raises(AmqpError, match="another version of AMQP than 0-9-1"):
        frames.Decoder().feed(data)


def test_a_frame_that_is_too_large_is_refused_before_it_comes():
    decoder = frames.Decoder()
    decoder.frame_max = FRAME_MAX
    with pytest.raises(AmqpError, match="frame of 1000000 bytes, over the 4096 agreed upon"):
        decoder.feed(b"\3\0\1" + (1_000_000).to_bytes(4, "big") + b"x")


@pytest.mark.parametrize("size", [0, 1, FRAME_MAX - 9, FRAME_MAX - 8, FRAME_MAX - 7, FRAME_MAX, 3 * FRAME_MAX])
def test_a_message_is_cut_into_frames_that_are_allowed(size):
    content = bytes(range(256)) * (size // 256 + 1)
    content = content[:size]
    data = frames.message("nameko-rpc", "a.b", content, commands.Basic.Properties(), True, FRAME_MAX)
    decoder = frames.Decoder()
    decoder.frame_max = FRAME_MAX - 8  # what is in a frame is shorter than the frame
    method, head, *parts = decoder.feed(data)
    assert (method.routing_key, method.mandatory, head.body_size) == ("a.b", True, size)
    assert b"".join(part.value for part in parts) == content


@pytest.mark.parametrize("header", [object(), 2**70, {"a": object()}], ids=["object", "large", "nested"])
def test_properties_that_amqp_cannot_express_are_a_value_error(header):
    with pytest.raises(ValueError, match="properties can't be sent"):
        frames.message("x", "a", b"", commands.Basic.Properties(headers={"one": header}), False, FRAME_MAX)


def test_properties_that_do_not_fit_into_a_frame_are_a_value_error():
    with pytest.raises(ValueError, match=r"headers have .* over the 4096"):
        frames.message("x", "a", b"", commands.Basic.Properties(headers={"one": "x" * 5000}), False, FRAME_MAX)


def test_everything_that_a_broker_may_send_on_a_channel_is_handled():
    assert {commands.Basic.Deliver, commands.Basic.Return, commands.Basic.Cancel, commands.Channel.Close} <= set(
        _HANDLERS
    )
