"""Bodies as bytes: in JSON they are what kombu makes of them, and stock Nameko with it."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID

import kombu.serialization
import pytest
from chassis.rpc.wire import Codec
from nameko.exceptions import MalformedRequest

BODY = {"args": ["Ü\n", 1, 2.5, None, [True]], "kwargs": {"name": {"inner": []}}}
TYPED = {
    "args": [datetime(2026, 11, 27, 12, tzinfo=UTC), UUID(int=7), Decimal("1.10"), b"bytes", b"\xff\x00"],
    "kwargs": {},
}


def message(content_type, encoding, content):
    properties = SimpleNamespace(content_type=content_type, content_encoding=encoding, headers=None)
    return SimpleNamespace(properties=properties, body=content)


def reversed_json(value):
    return json.dumps(value)[::-1]


def from_reversed_json(text):
    return json.loads(text.decode()[::-1])


@pytest.fixture
def another_json():
    yield {"json": {"encoder": f"{__name__}.reversed_json", "decoder": f"{__name__}.from_reversed_json"}}
    kombu.serialization.register_json()


@pytest.mark.parametrize("body", [BODY, TYPED, {}], ids=["plain", "typed", "empty"])
def test_json_is_kombus_in_both_directions(body):
    codec = Codec({})
    content_type, encoding, text = kombu.serialization.dumps(body, "json")
    assert codec.encode(body) == (content_type, encoding, text.encode())
    assert codec.decode(message(*codec.encode(body))) == body


def test_json_as_the_settings_have_it_is_used(another_json):
    for options in another_json.values():
        options |= {"content_type": "application/json", "content_encoding": "utf-8"}
    codec = Codec({"SERIALIZERS": another_json})
    assert codec.encode(BODY)[2] == reversed_json(BODY).encode()
    assert codec.decode(message(*codec.encode(BODY))) == BODY


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"\xef\xbb\xbf{}", b'{"__type__": "odd", "__value__": 1}'])
def test_json_that_cannot_be_read_is_refused(content):
    with pytest.raises(MalformedRequest, match="The message can't be read"):
        Codec({}).decode(message("application/json", "utf-8", content))


def test_json_is_refused_where_it_is_not_accepted():
    with pytest.raises(MalformedRequest, match="untrusted"):
        Codec({"serializer": "yaml"}).decode(message("application/json", "utf-8", b"{}"))
