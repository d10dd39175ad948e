"""Headers: what a peer reads is what was given, with all of its digits; the peer of stock Nameko is py-amqp."""

import math
from datetime import UTC, datetime

import pytest
from amqp.serialization import dumps, loads
from chassis.amqp.tables import Properties, field_table
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import decode

keys = st.text(st.characters(codec="utf-8"), max_size=40)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=200),
    lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(keys, deeper, max_size=3),
    max_leaves=8,
)
tables = st.dictionaries(keys, values, max_size=5)


@settings(deadline=None, derandomize=True)
@given(tables)
def test_a_table_is_read_as_it_was_given_by_either_stack(table):
    data = field_table(table)
    assert loads("F", data, 0)[0] == [table]
    assert decode.field_table(data) == (len(data), table)


@settings(deadline=None, derandomize=True)
@given(tables)
def test_a_table_of_stock_nameko_is_read_as_it_was_given(table):
    data = dumps("F", [table])
    assert decode.field_table(data) == (len(data), table)


TEXTS = ("content_type", "content_encoding", "correlation_id", "reply_to", "expiration", "message_id")
TEXTS += ("message_type", "user_id", "app_id")
OTHERS = {"delivery_mode": 2, "priority": 3, "timestamp": datetime(2026, 11, 27, tzinfo=UTC), "headers": {"a": "b"}}
EVERY = {**{name: f"the {name}" for name in TEXTS}, **OTHERS}
SOME = (EVERY, {}, {**EVERY, "reply_to": "", "headers": None}, *({name: EVERY[name]} for name in EVERY))


@pytest.mark.parametrize("properties", SOME)
def test_other_properties_are_as_pamqp_writes_them(properties):
    assert Properties(**properties).marshal() == Properties.__base__(**properties).marshal()


@pytest.mark.parametrize("properties", SOME)
def test_properties_are_read_as_pamqp_reads_them(properties):
    data = Properties(**properties).marshal()
    read, expected = Properties(), Properties()
    read.read(data)
    expected.unmarshal(int.from_bytes(data[:2], "big"), data[2:])
    assert dict(read) == dict(expected)


def test_properties_that_are_cut_off_are_an_error():
    data = Properties(**EVERY).marshal()
    for end in range(len(data)):
        with pytest.raises(Exception):  # noqa: B017, PT011 - whichever: who asks drops them all
            Properties().read(data[:end])


def test_properties_beyond_those_that_there_are_are_an_error():
    data = Properties(app_id="one").marshal()
    with pytest.raises(ValueError, match="no properties beyond"):
        Properties().read(bytes([data[0], data[1] | 1]) + data[2:])


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_number_that_rabbitmq_does_not_know_is_refused_however_deep(number):
    with pytest.raises(ValueError, match="no number that RabbitMQ knows"):
        field_table({"a": [{"b": number}]})
