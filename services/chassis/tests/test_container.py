"""What the container adds to a service: one line a call, and no more noise than that."""

import json
import logging
from contextvars import copy_context

import eventlet
import pytest
from chassis.container import ServiceContainer
from chassis.errors import NotFound
from chassis.logs import JsonFormatter
from nameko.exceptions import ConfigurationError
from nameko.extensions import DependencyProvider
from nameko.messaging import QueueConsumer
from nameko.rpc import Rpc, rpc
from nameko.testing.utils import get_extension
from nameko.web.handlers import http as nameko_http

CONFIG = {
    "AMQP_URI": "amqp://guest:secret@127.0.0.1:1/",
    "INSTANCE": {"id": "tried-1.0.0-a1@app1", "service": "tried", "release": "1.0.0"},
}


class Service:
    name = "tried_service"

    @rpc
    def get(self, key):
        logging.getLogger("service").info("looking up")
        return {"found": "value"}[key]

    @rpc
    def find(self, _key):
        raise NotFound("no such key")

    @rpc
    def time_out(self, seconds):
        with eventlet.Timeout(seconds):
            eventlet.sleep(60)

    @rpc
    def spawn(self, key):
        return eventlet.spawn(copy_context().run, self.get, key).wait()


class Lines(logging.Handler):
    """The lines of a log, each formatted where it is logged, as in production."""

    def __init__(self):
        super().__init__()
        self.lines = []
        self.setFormatter(JsonFormatter())

    def emit(self, record):
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def call(caplog):
    """A function that calls a method and returns the lines logged for it."""
    handler = Lines()
    logging.getLogger().addHandler(handler)
    caplog.set_level("INFO")

    def run(method, argument, context_data):
        container = ServiceContainer(Service, CONFIG)
        entrypoint = get_extension(container, Rpc, method_name=method)
        container.spawn_worker(entrypoint, (argument,), {}, context_data)
        container._worker_pool.waitall()
        return handler.lines

    yield run
    logging.getLogger().removeHandler(handler)


def test_one_line_is_logged_for_a_call_with_its_ids(call):
    context = {"request_id": "mine", "call_id_stack": ["gateway_service.get.1"]}
    lines = call("get", "found", context)
    (line,) = [line for line in lines if line.get("event") == "call"]
    assert (line["message"], line["method"], line["outcome"]) == ("tried_service.get: ok", "get", "ok")
    assert (line["request_id"], line["parent_call_id"]) == ("mine", "gateway_service.get.1")
    assert line["call_id"].startswith("tried_service.get.")
    assert (line["service"], line["release"], line["instance"]) == ("tried", "1.0.0", "tried-1.0.0-a1@app1")
    assert line["duration_ms"] >= 0
    assert line["level"] == "info"


def test_a_services_own_lines_carry_the_ids_of_the_call(call):
    lines = call("get", "found", {"request_id": "mine"})
    (line,) = [line for line in lines if line["logger"] == "service"]
    assert (line["message"], line["request_id"]) == ("looking up", "mine")
    assert line["call_id"].startswith("tried_service.get.")


def test_an_error_that_the_caller_caused_is_no_error_of_the_service(call):
    lines = call("find", "x", {})
    (line,) = [line for line in lines if line.get("event") == "call"]
    assert line["outcome"] == "NotFound"
    assert not [line for line in lines if line["level"] == "error"]


def test_a_bug_is_logged_with_its_traceback(call):
    lines = call("get", "lost", {})
    (line,) = [line for line in lines if line["level"] == "error"]
    assert "KeyError" in line["traceback"]


def test_a_method_that_a_timeout_ends_is_logged_as_any_that_fails(call):
    lines = call("time_out", 0.01, {})
    (line,) = [line for line in lines if line["level"] == "error"]
    assert "Timeout: 0.01 second" in line["traceback"]
    (line,) = [line for line in lines if line.get("event") == "call"]
    assert line["outcome"] == "Timeout"


def test_a_greenlet_that_gets_the_methods_context_logs_the_ids_of_its_call(call):
    lines = call("spawn", "found", {"request_id": "mine"})
    (line,) = [line for line in lines if line["logger"] == "service"]
    assert line["request_id"] == "mine"
    assert line["call_id"].startswith("tried_service.spawn.")


def test_the_broker_that_does_not_answer_is_named_without_its_password(caplog):
    container = ServiceContainer(Service, CONFIG)
    get_extension(container, QueueConsumer).on_connection_error(ConnectionRefusedError(111, "refused"), 2)
    assert "RabbitMQ does not answer at amqp://guest:********@127.0.0.1:1/" in caplog.text
    assert "set AMQP_URI" in caplog.text
    assert "secret" not in caplog.text


def test_namekos_own_http_would_fight_for_the_address_and_is_refused():
    class WithNamekosHttp:
        name = "tried_service"

        @nameko_http("GET", "/")
        def get(self, _request):
            return ""

    with pytest.raises(ConfigurationError, match=r"chassis\.http"):
        ServiceContainer(WithNamekosHttp, CONFIG)


def test_a_second_signal_to_end_leaves_the_first_stop_to_it():
    class Slow(DependencyProvider):
        stops, may_end = 0, eventlet.Event()

        def stop(self):
            Slow.stops += 1
            Slow.may_end.wait()

    class Quiet:
        name = "quiet_service"
        slow = Slow()

    container = ServiceContainer(Quiet, {**CONFIG, "WEB_SERVER_ADDRESS": "127.0.0.1:0"})
    container.start()
    with eventlet.Timeout(10):
        first = eventlet.spawn(container.stop)
        eventlet.sleep(0)
        container.stop()
        Slow.may_end.send()
        first.wait()
        container.wait()
    assert Slow.stops == 1
