"""A message's headers as bytes: pamqp's, but for numbers with a fraction.

pamqp writes those in 32 bits and so loses digits; stock Nameko's py-amqp writes and reads 64.
"""

from pamqp import commands, common, encode


class Properties(commands.Basic.Properties):
    """A message's properties, with such headers."""

    def encode_property(self, name, value):
        return field_table(value) if name == "headers" else encode.by_type(value, self.amqp_type(name))


def field_table(table):
    """A dictionary as an AMQP table. `TypeError` for what AMQP can't express."""
    return _sized(b"".join(encode.short_string(key) + _value(value) for key, value in table.items()))


def _value(value):
    if isinstance(value, float):
        return b"d" + encode.double(value)
    if isinstance(value, dict):
        return b"F" + field_table(value)
    if isinstance(value, list):
        return b"A" + _sized(b"".join(map(_value, value)))
    return encode.encode_table_value(value)


def _sized(data):
    return common.Struct.integer.pack(len(data)) + data
