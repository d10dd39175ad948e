"""What callers see of RPC, the same in the four pairs of chassis and stock Nameko; stock to stock is the control."""

from contextlib import ExitStack

import eventlet
import pytest
from chassis.standalone import ClusterRpcProxy

from .conftest import NamekoRun

CONTEXT = {"language": "cy", "user_id": 7, "tenant": "acme", "request_id": "request-1", "nested": {"list": [1, "a"]}}
FRACTIONS = {"share": 0.1, "rates": [1e300, {"low": -2.5e-10}]}


@pytest.fixture(scope="module")
def fronts(rabbitmq, tmp_path_factory):
    """A caller of the front services, of which there is one on each stack, beside a target."""
    vhost = rabbitmq.add_vhost()
    config = {"AMQP_URI": rabbitmq.uri(vhost), "max_workers": 20, "ACCEPT": ["json", "pickle"], "RPC_TIMEOUT": 20}
    with ExitStack() as running:
        folder = tmp_path_factory.mktemp("interface")
        processes = {
            stack: running.enter_context(NamekoRun(folder, config, stack=stack)) for stack in ("chassis", "stock")
        }
        for stack, process in processes.items():
            process.consumes(rabbitmq, vhost, f"{stack}_target", f"{stack}_front")
        yield running.enter_context(ClusterRpcProxy(config, CONTEXT | FRACTIONS)), processes
    rabbitmq.delete_vhost(vhost)


class Pair:
    """A front that calls a target."""

    def __init__(self, fronts, caller, called):
        cluster, processes = fronts
        self.front, self.target = cluster[f"{caller}_front"], f"{called}_target"
        self.pickle, self.log = f"{called}_pickle", processes[called].log

    def call(self, method, *args, **kwargs):
        return self.front.call(self.target, method, args, kwargs)


@pytest.fixture(params=["chassis-chassis", "chassis-stock", "stock-chassis", "stock-stock"])
def pair(request, fronts):
    with eventlet.Timeout(30):
        yield Pair(fronts, *request.param.split("-"))


def test_arguments_and_results_arrive(pair):
    sent = ["text", "ü\u2028", 1.5, None, [True, {"deep": [-1]}]]
    assert pair.call("echo", *sent, keyword={"a": 1}) == {"result": [sent, {"keyword": {"a": 1}}]}


def test_defaults_apply(pair):
    assert (pair.call("add", 1), pair.call("add", 1, 1), pair.call("add", other=0, one=5)) == (
        {"result": 3},
        {"result": 2},
        {"result": 5},
    )


def test_many_calls_at_once_each_get_their_own_result(pair):
    assert pair.front.call_all(pair.target, 30) == list(range(30))


def test_a_registered_exception_is_rebuilt(pair):
    assert pair.call("refuse", "no ü") == {"error": {"class": "chassis.testing.rpc_services.Refused", "text": "no ü"}}


def test_any_other_exception_is_a_remote_error(pair):
    assert pair.call("divide") == {
        "error": {
            "class": "nameko.exceptions.RemoteError",
            "exc_type": "ZeroDivisionError",
            "text": "ZeroDivisionError division by zero",
        }
    }


def test_an_unknown_service_is_told(pair):
    assert pair.front.call("nobody", "anything", [], {}) == {
        "error": {"class": "nameko.exceptions.UnknownService", "text": "Unknown service `nobody_service`"}
    }


def test_an_unknown_method_is_told(pair):
    assert pair.call("nothing") == {"error": {"class": "nameko.exceptions.MethodNotFound", "text": "nothing"}}


@pytest.mark.parametrize(
    ("args", "kwargs"), [([], {}), ([1, 2, 3], {}), ([1], {"one": 1}), ([1], {"what": 1})], ids=str
)
def test_arguments_that_do_not_fit_are_told(pair, args, kwargs):
    assert pair.call("add", 1) == {"result": 3}
    error = pair.call("add", *args, **kwargs)["error"]
    assert error["class"] == "nameko.exceptions.IncorrectSignature"
    assert "argument" in error["text"]


def test_a_result_that_cannot_be_serialized_is_told(pair):
    error = pair.call("unserializable")["error"]
    assert (error["class"], error["exc_type"]) == ("nameko.exceptions.RemoteError", "UnserializableValueError")
    assert "Unserializable value: `<object object at" in error["text"]
    assert pair.call("add", 1) == {"result": 3}


def test_context_data_is_passed_on(pair):
    data = pair.call("context")["result"]["data"]
    assert {key: data.get(key) for key in CONTEXT} == CONTEXT


def test_fractions_in_context_data_keep_their_digits(pair):
    data = pair.call("context")["result"]["data"]
    assert {key: data.get(key) for key in FRACTIONS} == FRACTIONS


def test_the_call_id_stack_grows(pair):
    own, called = pair.front.stack(pair.target)
    assert called[:-1] == own
    assert called[-1].startswith(f"{pair.target}.context.")


def test_each_call_has_an_id_of_its_own(pair):
    assert len({pair.call("context")["result"]["id"] for _ in range(5)}) == 5


def test_another_serializer_is_used_where_it_is_accepted(pair):
    # JSON makes a list of it.
    assert pair.front.type_of(pair.pickle, "echo") == "tuple"
    assert pair.front.type_of(pair.target, "echo") == "list"


def test_sensitive_arguments_are_redacted(pair):
    assert pair.call("log_in", "ada", password="secret") == {"result": {"user": "ada", "password": "********"}}


def test_an_expected_exception_is_no_error_in_the_log(pair):
    before = pair.log.stat().st_size
    assert pair.call("expected")["error"]["exc_type"] == "KeyError"
    assert pair.call("divide")["error"]["exc_type"] == "ZeroDivisionError"
    lines = pair.log.read_bytes()[before:].decode().splitlines()
    assert len([line for line in lines if line.startswith("(expected) error handling worker")]) == 1
    assert len([line for line in lines if line.startswith("error handling worker")]) == 1


def test_an_argument_of_five_megabytes_arrives(pair):
    assert pair.call("size", "x" * 5_000_000) == {"result": 5_000_000}
