"""A message's properties as bytes: pamqp's, but for headers with fractions, and with less to find out each time.

pamqp writes fractions in 32 bits and so loses digits; stock Nameko's py-amqp writes and reads 64.
"""

import math
from functools import lru_cache

from pamqp import commands, common, decode, encode


class Properties(commands.Basic.Properties):
    """A message's properties. pamqp's ask for the type of each, and how that is written or read, for each message."""

    def read(self, data):
        """Take the properties from a message's header, from its flags on; an error of any kind if they aren't there."""
        position = _FLAGS.size
        for name, read in _present(_FLAGS.unpack_from(data)[0]):
            if read is decode.short_str:  # as most are
                start, position = position + 1, position + 1 + data[position]
                if position > len(data):
                    raise ValueError("the properties end within a text")
                value = data[start:position].decode()
            else:
                size, value = read(data[position:])
                position += size
            setattr(self, name, value)

    def marshal(self):
        """As bytes, from their flags on."""
        flags, parts = 0, []
        for name, flag, encoded in _PROPERTIES:
            value = getattr(self, name)
            if value is not None and value != "":
                flags |= flag
                parts.append(encoded(value))
        return _FLAGS.pack(flags) + b"".join(parts)


def field_table(table):
    """A dictionary as an AMQP table. `TypeError` or `ValueError` for what AMQP or RabbitMQ can't express."""
    return _sized(b"".join([_repeated_text(key) + _value(value) for key, value in table.items()]))


_repeated_text = lru_cache(maxsize=256)(encode.short_string)


@lru_cache(maxsize=256)  # a sender's messages have the same ones
def _present(flags):
    """The properties that a header's flags name, each with what reads it."""
    if flags & 1:
        raise ValueError("there are no properties beyond the first fifteen")
    return [
        (name, decode.METHODS[Properties.amqp_type(name)]) for name, flag in Properties.flags.items() if flags & flag
    ]


_WRITERS = {"headers": field_table} | dict.fromkeys(("content_type", "content_encoding", "reply_to"), _repeated_text)
# Name, flag, and what writes it. There are fourteen, so their flags fit into one word.
_FLAGS = common.Struct.ushort
_PROPERTIES = tuple(
    (name, flag, _WRITERS.get(name) or encode.METHODS[Properties.amqp_type(name)])
    for name, flag in Properties.flags.items()
)


def _value(value):
    if isinstance(value, str):
        return b"S" + _sized(value.encode())
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is no number that RabbitMQ knows")  # it would end the connection
        return b"d" + encode.double(value)
    if isinstance(value, dict):
        return b"F" + field_table(value)
    if isinstance(value, list):
        return b"A" + _sized(b"".join(map(_value, value)))
    return encode.encode_table_value(value)


def _sized(data):
    return common.Struct.integer.pack(len(data)) + data
