"""A message's headers as bytes: pamqp's, but for numbers with a fraction.

pamqp writes those in 32 bits and so loses digits; stock Nameko's py-amqp writes and reads 64.
"""

from pamqp import commands, common, encode


class Properties(commands.Basic.Properties):
    """A message's properties, with such headers."""

    def marshal(self):
        """As pamqp's, which asks for the type of each property and how that is written each time."""
        flags, parts = 0, []
        for name, flag, encoded in _PROPERTIES:
            value = getattr(self, name)
            if value is not None and value != "":
                flags |= flag
                parts.append(encoded(value))
        return _FLAGS.pack(flags) + b"".join(parts)


def field_table(table):
    """A dictionary as an AMQP table. `TypeError` for what AMQP can't express."""
    return _sized(b"".join(encode.short_string(key) + _value(value) for key, value in table.items()))


# Name, flag, and what writes it. There are fourteen, so their flags fit into one word.
_FLAGS = common.Struct.ushort
_PROPERTIES = tuple(
    (name, Properties.flags[name], field_table if name == "headers" else encode.METHODS[Properties.amqp_type(name)])
    for name in Properties.__slots__
)


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
