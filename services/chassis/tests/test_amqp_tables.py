"""Headers: what a peer reads is what was given, with all of its digits; the peer of stock Nameko is py-amqp."""

from datetime import UTC, datetime

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


def test_other_properties_are_as_pamqp_writes_them():
    texts = ("content_type", "content_encoding", "correlation_id", "reply_to", "expiration", "message_id")
    texts += ("message_type", "user_id", "app_id")
    others = {"delivery_mode": 2, "priority": 3, "timestamp": datetime(2026, 11, 27, tzinfo=UTC), "headers": {"a": "b"}}
    every = {**{name: f"the {name}" for name in texts}, **others}
    for properties in (every, {}, {**every, "reply_to": "", "headers": None}, *({name: every[name]} for name in every)):
        assert Properties(**properties).marshal() == Properties.__base__(**properties).marshal()
