"""/health and /ready: what they say, and that they say it whatever the service is busy with."""

import os
import socket
import time
from contextlib import closing

import eventlet
import pytest
from chassis.http import http
from chassis.testing import until
from nameko.exceptions import ConfigurationError
from nameko.rpc import rpc
from nameko_redis import Redis

INSTANCE = {"id": "tried-1.0.0-a1@app1", "service": "tried", "release": "1.0.0"}


class RpcService:
    name = "tried_service"

    @rpc
    def nothing(self):
        return None


class HttpService:
    name = "tried_service"

    @http("GET", "/slow")
    def slow(self, _request):
        eventlet.sleep(60)


class RedisService(RpcService):
    redis = Redis("redis")


@pytest.fixture
def state_file(tmp_path):
    return tmp_path / "tried.state"


@pytest.mark.parametrize("service_cls", [RpcService, HttpService])
def test_every_service_says_who_it_is(serve, service_cls):
    answer = serve(service_cls, {"INSTANCE": INSTANCE}).request("GET", "/health")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    content = answer.json
    assert (content.pop("pid"), content.pop("started") <= time.time()) == (os.getpid(), True)
    assert content == {"alive": True, "service": "tried", "release": "1.0.0", "instance": "tried-1.0.0-a1@app1"}


def test_without_a_state_file_configured_it_is_admitted(serve):
    answer = serve(RpcService).request("GET", "/ready")
    assert (answer.status, answer.json["ready"], answer.json["service"]) == (200, True, "tried")


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("probation", 503),
        ("admitted", 200),
        ("admitted\n", 200),
        ("held", 503),
        ("draining", 404),
        ("", 503),
        ("Admitted", 503),
    ],
)
def test_ready_follows_the_state_file(serve, state_file, state, status):
    state_file.write_text("probation")
    service = serve(RpcService, {"INSTANCE": {**INSTANCE, "state_file": str(state_file)}})
    assert service.request("GET", "/ready").status == 503
    state_file.write_text(state)
    # Also what it takes follows, which it does in a moment.
    until(lambda: service.request("GET", "/ready").json["taking"] == (status == 200))
    answer = service.request("GET", "/ready")
    assert answer.status == status
    assert answer.json["ready"] == (status == 200)
    assert bool(answer.json.get("reason")) == (status != 200)
    assert answer.json["instance"] == INSTANCE["id"]
    assert service.request("GET", "/health").status == 200


def test_a_state_file_that_holds_something_else_is_named_with_what_it_may_hold(serve, state_file):
    state_file.write_text("Admitted")
    answer = serve(RpcService, {"INSTANCE": {**INSTANCE, "state_file": str(state_file)}}).request("GET", "/ready")
    assert answer.json["state"] == "probation"
    assert answer.json["reason"] == f"The state file {state_file} must hold one of probation, admitted, held, draining."


def test_a_missing_state_file_is_no_admission_and_the_reason_names_it(serve, state_file):
    answer = serve(RpcService, {"INSTANCE": {**INSTANCE, "state_file": str(state_file)}}).request("GET", "/ready")
    assert answer.status == 503
    assert str(state_file) in answer.json["reason"]


def test_both_are_answered_while_every_worker_is_stuck(serve):
    service = serve(HttpService, {"max_workers": 1})
    with closing(service.connect()) as first, closing(service.connect()) as second:
        for connection in (first, second):
            connection.request("GET", "/slow")
        until(lambda: service.container._worker_threads)
        for path in ("/health", "/ready"):
            assert service.request("GET", path).status == 200


def test_redis_is_asked(serve, redis_server):
    service = serve(RedisService, {"REDIS_URIS": {"redis": redis_server.uri("airports")}})
    assert service.request("GET", "/ready").json["checks"] == {"broker": "ok", "redis redis": "ok"}


def test_not_ready_without_redis(serve, primary):
    service = serve(RedisService, {"REDIS_URIS": {"redis": primary.uri()}})
    assert service.request("GET", "/ready").status == 200
    primary.process.kill()
    answer = service.request("GET", "/ready")
    assert answer.status == 503
    assert answer.json["reason"].startswith("Redis does not answer")


class IdempotentService:
    name = "tried_service"

    @http("POST", "/thing", idempotent=True)
    def make(self, _request):
        return "made"

    @http("GET", "/thing")
    def look(self, _request):
        return "there"


def test_the_redis_of_kept_answers_is_told_but_without_it_all_else_is_still_served(serve, primary):
    service = serve(IdempotentService, {"REDIS_URIS": {"redis": primary.uri()}})
    assert service.request("GET", "/ready").json["checks"] == {"broker": "ok", "idempotency": "ok"}
    primary.process.kill()
    primary.process.wait()
    answer = service.request("GET", "/ready")
    assert (answer.status, answer.json["ready"]) == (200, True)
    assert answer.json["checks"]["idempotency"].startswith("Redis does not answer")
    assert service.request("POST", "/thing", headers={"Idempotency-Key": "k"}).status == 503
    assert service.request("GET", "/thing").status == 200


def test_whether_it_takes_calls_is_a_metric_too(serve, state_file):
    def taking():
        lines = service.request("GET", "/metrics").body.decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("nameko_taking "))

    state_file.write_text("probation")
    service = serve(RpcService, {"INSTANCE": {**INSTANCE, "state_file": str(state_file)}})
    assert taking() == 0
    state_file.write_text("admitted")
    until(lambda: taking() == 1)


def test_a_second_process_can_not_listen_on_the_same_port(serve):
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = "{}:{}".format(*free.getsockname())
    serve(RpcService, {"WEB_SERVER_ADDRESS": address})
    with pytest.raises(ConfigurationError, match=f"{address} .*WEB_SERVER_ADDRESS"):
        serve(RpcService, {"WEB_SERVER_ADDRESS": address})
