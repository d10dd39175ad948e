"""Arguments, results, errors and context that are large, or can't be sent: who calls is told."""

import math

import pytest
from nameko.exceptions import MethodNotFound, RemoteError, UnknownService, UnserializableValueError

from .conftest import eventually
from .echoing import Echo

MEBIBYTE = 2**20


def test_an_argument_of_ten_mebibytes_arrives(echo):
    assert echo.proxy.size("x" * 10 * MEBIBYTE) == 10 * MEBIBYTE
    echo.check()


def test_a_result_of_ten_mebibytes_arrives(echo):
    assert len(echo.proxy.large(10 * MEBIBYTE)) == 10 * MEBIBYTE
    echo.check()


def test_an_argument_that_rabbitmq_would_not_take_is_refused(echo):
    with pytest.raises(UnserializableValueError, match=r"16777[0-9]{3} bytes, where RabbitMQ takes 16777216 at most"):
        echo.proxy.size("x" * 16 * MEBIBYTE)
    echo.check()


@pytest.mark.parametrize("method", ["large", "large_and_odd"])
def test_a_result_that_rabbitmq_would_not_take_is_told(echo, method):
    with pytest.raises(RemoteError) as raised:
        getattr(echo.proxy, method)(17 * MEBIBYTE)
    assert raised.value.exc_type == "UnserializableValueError"
    assert len(str(raised.value)) < 10_000
    echo.check()


def test_an_error_that_rabbitmq_would_not_take_is_told(echo):
    with pytest.raises(RemoteError):
        echo.proxy.large_error(17 * MEBIBYTE)
    echo.check()


def test_an_error_with_an_argument_that_cannot_be_sent_is_told(echo):
    with pytest.raises(RemoteError, match="OddError <object object"):
        echo.proxy.odd_error()
    echo.check()


def test_a_result_without_a_repr_is_told(echo):
    with pytest.raises(RemoteError, match="__repr__ failed"):
        echo.proxy.odd()
    echo.check()


def test_unknown_methods_and_services_are_told(echo):
    with pytest.raises(MethodNotFound):
        echo.proxy.nothing()
    with pytest.raises(UnknownService):
        echo.calls.nobody_service.nothing()
    echo.check()


@pytest.mark.parametrize("value", [object(), {"a": {1, 2}}], ids=["object", "set"])
def test_an_argument_that_cannot_be_serialized_is_refused(echo, value):
    with pytest.raises(UnserializableValueError):
        echo.proxy.echo(value)
    echo.check()


@pytest.mark.parametrize(
    "context",
    [{"a": "x" * 200_000}, {"a": object()}, {"a": 2**70}, {"a": [{"a": math.nan}]}, {"a": -math.inf}],
    ids=["big", "odd", "large", "nan", "inf"],
)
def test_context_that_cannot_be_sent_is_refused_and_not_tried_again(here, context):
    here.start(Echo)
    cluster = here.calls(context)
    with pytest.raises(ValueError, match="message's"):
        cluster.echo_service.echo(1)
    caller = cluster.echo_service._caller
    caller._connection.close()
    good = here.calls().echo_service
    assert good.echo(1) == 1
    eventually(lambda: caller._connection)
    with pytest.raises(ValueError, match="message's"):
        cluster.echo_service.echo(1)


@pytest.mark.parametrize(
    ("context", "method"),
    [({"a": object()}, "echo"), ({"a": math.nan}, "echo"), ({}, "m" * 300), ({}, "\ud800")],
    ids=["odd", "nan", "long", "surrogate"],
)
def test_nor_does_what_cannot_be_sent_keep_others_from_a_broker_that_was_away(
    there, here, broker_proxy, context, method
):
    here.start(Echo)
    cluster = there.calls(context)
    caller = cluster.echo_service._caller
    broker_proxy.refuse()
    broker_proxy.cut()
    eventually(lambda: caller._connection is None)
    reply = getattr(cluster.echo_service, method).call_async(1)
    broker_proxy.heal()
    with pytest.raises(ValueError, match="message's"):
        reply.result()
    assert caller._connection
    with pytest.raises(ValueError, match="message's"):
        getattr(cluster.echo_service, method)(1)


def test_a_name_in_the_context_may_be_what_python_allows(here):
    here.start(Echo)
    assert here.calls({7: "seven"}).echo_service.echo(1) == 1
