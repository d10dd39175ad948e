"""AMQP 0-9-1 as bytes: what we send, and what we make of what we get. The codec is pamqp's, but for messages."""

import struct
from functools import lru_cache

from pamqp import body, commands, constants, frame, header, heartbeat

from chassis.amqp.errors import AmqpError
from chassis.amqp.tables import Properties

CHANNEL = 1  # the one that each connection has
HEARTBEAT = frame.marshal(heartbeat.Heartbeat(), 0)
PROTOCOL_HEADER = frame.marshal(header.ProtocolHeader(), 0)
_PREFIX = struct.Struct(">BHI")  # frame type, channel, size of the payload
_HEADER = struct.Struct(">HHQ")  # class, weight, size of the body
_DELIVER = struct.pack(">I", commands.Basic.Deliver.index)
_DELIVERY = struct.Struct(">qB")  # delivery tag, redelivered
_OVERHEAD = _PREFIX.size + 1  # and the octet that ends a frame


def method(frame_value, channel=CHANNEL):
    """One method as a frame."""
    return frame.marshal(frame_value, channel)


@lru_cache(maxsize=4096)  # one for each method called, and one for each caller replied to
def _publish(exchange, routing_key, mandatory):
    return method(commands.Basic.Publish(exchange=exchange, routing_key=routing_key, mandatory=mandatory))


def message(exchange, routing_key, content, properties, mandatory, frame_max):
    """A message to publish: its method, its header, and as many body frames as `frame_max` bytes each demand.

    `properties` are a `Properties`. `ValueError` for a routing key or properties that AMQP can't express, or that are
    too large for a frame.
    """
    try:
        publish = _publish(exchange, routing_key, mandatory)
        head = frame.marshal(header.ContentHeader(0, len(content), properties), CHANNEL)
    except (TypeError, ValueError, OverflowError, struct.error) as error:
        raise ValueError(f"The message's routing key or properties can't be sent: {error}") from error
    if len(head) > frame_max:
        raise ValueError(f"The message's headers have {len(head)} bytes, over the {frame_max} that a frame may have.")
    parts = [publish, head]
    room = frame_max - _OVERHEAD
    parts += [
        frame.marshal(body.ContentBody(content[start : start + room]), CHANNEL)
        for start in range(0, len(content), room)
    ]
    return b"".join(parts)


def _decode(data):
    """One whole frame. `AmqpError` for what is none."""
    try:
        if data[-1] != constants.FRAME_END:
            raise ValueError("its last octet is not the one that ends a frame")
        kind, payload = data[0], data[_PREFIX.size : -1]
        # What a message consists of is read here, the rest by pamqp, which finds out each time how fields are read.
        if kind == constants.FRAME_METHOD and payload.startswith(_DELIVER):
            return _deliver(payload)
        if kind == constants.FRAME_HEADER:
            return _content_header(payload)
        if kind == constants.FRAME_BODY and payload:
            return body.ContentBody(payload)
        return frame.unmarshal(data)[2]
    except Exception as error:
        raise AmqpError(f"it sent a frame that can't be read ({error})") from error


# RabbitMQ checks neither that a publisher's texts are UTF-8 nor what is in its headers. One such message must not end
# the connection: it would be delivered again to the next, and end that.


def _deliver(payload):
    tag, position = _short_text(payload, len(_DELIVER))
    delivery_tag, bits = _DELIVERY.unpack_from(payload, position)
    exchange, position = _short_text(payload, position + _DELIVERY.size)
    routing_key, _ = _short_text(payload, position)
    found = commands.Basic.Deliver(tag, delivery_tag, bool(bits & 1), routing_key=routing_key)
    found.exchange = exchange  # RabbitMQ takes names for it that pamqp, when it is given one, does not
    return found


def _short_text(payload, position):
    """The text at a position, and the position behind it."""
    end = position + 1 + payload[position]
    if end > len(payload):
        raise ValueError("it ends within a text")
    return payload[position + 1 : end].decode(errors="backslashreplace"), end


def _content_header(payload):
    size = _HEADER.unpack_from(payload)[2]
    properties = Properties()
    try:
        properties.read(payload[_HEADER.size :])
    except Exception:  # noqa: BLE001 - whatever is in it
        properties = Properties()
    return header.ContentHeader(0, size, properties)


class Decoder:
    """Turns what comes from the socket, cut anywhere, into frames."""

    def __init__(self):
        self._buffer = bytearray()
        self.frame_max = 2**20  # until it is negotiated; no broker begins with more

    def feed(self, data):
        """Return the frames that `data` completes. `AmqpError` for what is no AMQP."""
        buffer = self._buffer
        buffer += data
        position, frames = 0, []
        while len(buffer) - position >= _OVERHEAD:
            if buffer[position] == ord("A"):
                raise AmqpError("it speaks another version of AMQP than 0-9-1")
            size = _PREFIX.unpack_from(buffer, position)[2]
            if size > self.frame_max:
                raise AmqpError(f"it sent a frame of {size} bytes, over the {self.frame_max} agreed upon")
            end = position + _OVERHEAD + size
            if len(buffer) < end:
                break
            frames.append(_decode(bytes(buffer[position:end])))
            position = end
        del buffer[:position]
        return frames
