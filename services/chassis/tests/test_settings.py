"""Settings that make no sense are refused when a service or a script starts, by name and with what is valid."""

import math
import re

import pytest
from chassis.container import ServiceContainer
from chassis.rpc import RpcProxy
from chassis.settings import whole_number_setting
from chassis.standalone import ClusterRpcProxy
from nameko.exceptions import ConfigurationError

NO_WHOLE_NUMBERS = ["10", "", -1, 1.5, 10.0, True, [], 65536]
NO_TIMEOUTS = ["1", "", -1, 0, math.nan, True, []]
CONFIG = {"AMQP_URI": "amqp://127.0.0.1:1", "WEB_SERVER_ADDRESS": "127.0.0.1:0", "max_workers": 3}


class Asking:
    name = "asking_service"
    other = RpcProxy("other_service")


class Quiet:
    """Calls nobody."""

    name = "quiet_service"


def refused(name, value, valid):
    return pytest.raises(ConfigurationError, match=rf"^{name}\b.* {valid}.*{re.escape(repr(value))}")


def set_up(service_cls=Asking, **settings):
    container = ServiceContainer(service_cls, CONFIG | settings)
    for extension in container.extensions:
        extension.setup()


@pytest.mark.parametrize("name", ["HEARTBEAT", "HTTP_QUEUE", "REDIS_REPLICAS"])
@pytest.mark.parametrize("value", NO_WHOLE_NUMBERS, ids=repr)
def test_a_service_wants_whole_numbers(name, value):
    with refused(name, value, "whole number from 0 to 65535"):
        set_up(**{name: value})


@pytest.mark.parametrize("name", ["HTTP_QUEUE_SECONDS", "RPC_TIMEOUT", "RPC_REPEAT_AFTER"])
@pytest.mark.parametrize("value", NO_TIMEOUTS, ids=repr)
def test_a_service_wants_timeouts(name, value):
    with refused(name, value, "seconds over 0 and at most 86400"):
        set_up(**{name: value})


@pytest.mark.parametrize("value", [*NO_TIMEOUTS, 10**9], ids=repr)
def test_a_service_that_calls_nobody_wants_a_timeout_too(value):
    with refused("RPC_TIMEOUT", value, "seconds over 0 and at most 86400"):
        set_up(Quiet, RPC_TIMEOUT=value)


@pytest.mark.parametrize("value", NO_WHOLE_NUMBERS, ids=repr)
def test_a_script_wants_a_heartbeat_that_is_a_whole_number(value):
    with refused("HEARTBEAT", value, "whole number from 0 to 65535"):
        ClusterRpcProxy(CONFIG | {"HEARTBEAT": value})


@pytest.mark.parametrize("value", [0, 1, 65535])
def test_what_is_valid_is_taken(value):
    set_up(HEARTBEAT=value, HTTP_QUEUE=value, HTTP_QUEUE_SECONDS=0.5, REDIS_REPLICAS=value)
    assert whole_number_setting({"ONE": value}, "ONE", 7) == value


@pytest.mark.parametrize("config", [{}, {"ONE": None}])
def test_what_is_not_set_has_its_default(config):
    assert whole_number_setting(config, "ONE", 7) == 7
