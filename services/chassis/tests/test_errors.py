"""Errors keep their class and message across RPC."""

import json

import pytest
from chassis import errors
from nameko.exceptions import RpcTimeout, deserialize, serialize

KINDS = [
    errors.Invalid, errors.NotFound, errors.Conflict, errors.Unprocessable, errors.Unavailable,
    errors.NotEnoughReplicas, errors.RpcTimeout,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_the_same_for_the_caller(kind):
    received = deserialize(json.loads(json.dumps(serialize(kind("no such airport")))))
    assert type(received) is kind
    assert str(received) == "no such airport"


def test_who_catches_namekos_timeout_catches_ours():
    assert issubclass(errors.RpcTimeout, RpcTimeout)
