"""`Idempotency-Key`: one request, sent as often as it takes, and one effect with one answer."""

import signal
import threading
from contextlib import closing

import eventlet
import pytest
from chassis import errors
from chassis.http import http, text_fields
from chassis.http.idempotency import KEPT
from chassis.testing import until
from nameko.exceptions import ConfigurationError
from werkzeug.wrappers import Response

from .tried import RepeatKey

GATE = threading.Event()
MADE = []
FAILURES = []


class Service:
    name = "tried_service"
    key = RepeatKey()

    @http("POST", "/thing", idempotent=True)
    def make(self, request):
        MADE.append(self.key)
        if FAILURES:
            raise FAILURES.pop()
        return text_fields(request, "thing")[0] + str(len(MADE))

    @http("POST", "/slow", idempotent=True)
    def slow(self, _request):
        MADE.append(self.key)
        while not GATE.is_set():
            eventlet.sleep(0.01)
        return "done"

    @http("POST", "/own-503", idempotent=True)
    def own_error(self, _request):
        MADE.append(self.key)
        return 503, "not now"

    @http("POST", "/response", idempotent=True)
    def response(self, _request):
        response = Response(f"done {len(MADE)}", 299, {"Content-Type": "text/x-own", "Content-Length": "6"})
        for name in ("one", "two"):
            response.set_cookie(name, "y")
        MADE.append(self.key)
        return response

    @http("DELETE", "/thing/<thing>", idempotent=True)
    def delete(self, _request, thing):
        MADE.append(thing)

    @http("POST", "/plain")
    def plain(self, _request):
        return {"key": self.key}

    @http("GET", "/plain")
    def look(self, _request):
        return {"key": self.key}


@pytest.fixture(autouse=True)
def fresh():
    MADE.clear(), FAILURES.clear(), GATE.clear()
    yield
    GATE.set()


@pytest.fixture
def service(serve, redis_server):
    return serve(Service, {"REDIS_URIS": {"redis": redis_server.uri("gateway")}, "max_workers": 2})


def post(service, key, body='{"thing": "x"}', path="/thing", **headers):
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return service.request("POST", path, body, {**({"Idempotency-Key": key} if key is not None else {}), **given})


def test_the_same_request_again_gets_the_same_answer_and_does_nothing(service, redis_server):
    first, second = post(service, "k"), post(service, "k")
    assert [(answer.status, answer.body, answer.headers["content-type"]) for answer in (first, second)] == [
        (200, b"x1", "text/plain; charset=utf-8")
    ] * 2
    assert len(MADE) == 1
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert second.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    with redis_server.client() as client:
        (key,) = client.keys()
        assert 0 < client.ttl(key) <= KEPT


def test_whatever_a_handlers_own_response_was_it_is_the_same_again(service):
    def answer():
        with closing(service.connect()) as connection:
            connection.request("POST", "/response", "x", {"Idempotency-Key": "k"})
            found = connection.getresponse()
            changing = ("Date", "X-Request-ID", "Idempotent-Replayed")
            return found.status, found.read(), sorted(one for one in found.getheaders() if one[0] not in changing)

    first = answer()
    assert answer() == first
    status, body, headers = first
    assert (status, body, [name for name, _ in headers]) == (
        299, b"done 0", ["Content-Length", "Content-Type", "Set-Cookie", "Set-Cookie"],
    )  # fmt: skip


def test_a_request_without_a_key_is_done_each_time(service):
    assert [post(service, None).body for _ in range(2)] == [b"x1", b"x2"]


def test_an_answer_without_a_body_is_kept_too(service):
    for _ in range(2):
        answer = service.request("DELETE", "/thing/a", headers={"Idempotency-Key": "k"})
        assert (answer.status, answer.body, "content-type" in answer.headers) == (204, b"", False)
    assert MADE == ["a"]


@pytest.mark.parametrize(
    ("path", "body"), [("/thing", '{"thing": "y"}'), ("/thing?x", '{"thing": "x"}'), ("/slow", '{"thing": "x"}')]
)
def test_another_request_under_the_same_key_is_a_422(service, path, body):
    post(service, "k")
    answer = post(service, "k", body, path)
    assert (answer.status, answer.error) == (422, "idempotency_key_reused")
    assert len(MADE) == 1
    FAILURES.append(errors.Unavailable("no"))
    assert post(service, "f").status == 503
    assert post(service, "f", body, path).error == "idempotency_key_reused"


def test_an_error_of_the_caller_is_final(service):
    FAILURES.append(errors.Conflict("no"))
    assert [post(service, "k").error for _ in range(2)] == ["conflict"] * 2
    assert post(service, "bad", "{").error == "bad_json"
    assert len(MADE) == 2
    assert post(service, "bad", "{").error == "bad_json"
    assert len(MADE) == 2


@pytest.mark.parametrize("error", [errors.Unavailable("no"), errors.RpcTimeout("no"), ZeroDivisionError()])
def test_an_error_of_ours_is_not_and_the_next_attempt_makes_the_same_calls(service, error):
    FAILURES.append(error)
    assert post(service, "k").status >= 500
    assert post(service, "k").status == 200
    assert MADE[0] == MADE[1]


def test_a_5xx_that_the_handler_answers_itself_is_not_kept_either(service):
    assert [post(service, "k", path="/own-503").status for _ in range(2)] == [503, 503]
    assert len(MADE) == 2


def test_while_it_is_worked_on_the_request_is_a_409_but_for_the_balancers_own_repeat(service):
    with closing(service.connect()) as connection:
        same = {"X-Request-ID": "mine"}  # which says nothing: clients choose it
        connection.request("POST", "/slow", "x", {"Idempotency-Key": "k", "X-Attempt-ID": "balancers", **same})
        until(lambda: MADE)
        for headers in ({}, {"X_Attempt_ID": "other"}):
            answer = post(service, "k", "x", "/slow", X_Request_ID="mine", **headers)
            assert (answer.status, answer.error) == (409, "in_progress")
            assert int(answer.headers["retry-after"]) > 0
        with closing(service.connect()) as repeat:
            repeat.request("POST", "/slow", "x", {"Idempotency-Key": "k", "X-Attempt-ID": "balancers", **same})
            until(lambda: len(MADE) == 2)
            GATE.set()
            assert repeat.getresponse().read() == b"done"
        assert connection.getresponse().read() == b"done"
    assert MADE[0] == MADE[1]
    assert post(service, "k", "x", "/slow").body == b"done"
    assert len(MADE) == 2


def test_an_attempt_whose_process_died_is_over_after_its_time(serve, redis_server, monkeypatch):
    monkeypatch.setattr("chassis.http.idempotency.LEASE_MARGIN", 0)
    service = serve(Service, {"REDIS_URIS": {"redis": redis_server.uri("gateway")}, "RPC_TIMEOUT": 1})
    with closing(service.connect()) as connection, redis_server.client() as client:
        connection.request("POST", "/slow", "x", {"Idempotency-Key": "k"})
        until(lambda: MADE)
        assert post(service, "k", "x", "/slow").status == 409
        until(lambda: not client.keys("*:attempt"))
        GATE.set()
        assert post(service, "k", "x", "/slow").body == b"done"


def test_the_ids_of_calls_derive_from_key_and_request(service):
    def seed(key, body="x"):
        return post(service, key, body, "/plain").json["key"]

    seeds = [seed("k"), seed("l"), seed("k", "y")]
    assert len(set(seeds)) == 3
    assert seed("k") == seeds[0]
    assert seed(None) is None
    assert service.request("GET", "/plain", headers={"Idempotency-Key": "k"}).json == {"key": None}


def test_of_a_key_that_the_balancer_made_nothing_is_kept(service, redis_server):
    for _ in range(2):
        post(service, "k", X_Idempotency_Key_By="edge")
    assert MADE[0] is not None
    assert MADE[1] == MADE[0]
    with redis_server.client() as client:
        assert client.dbsize() == 0


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "ä"])
@pytest.mark.parametrize("path", ["/thing", "/plain"])
def test_what_is_no_key_is_a_400(service, path, key):
    answer = post(service, key.encode("latin-1"), path=path)
    assert (answer.status, answer.error) == (400, "invalid")
    assert MADE == []


@pytest.mark.parametrize("path", ["/thing", "/plain"])
@pytest.mark.parametrize("names", [("Idempotency-Key",) * 2, ("Idempotency-Key", "idempotency-key")])
def test_two_keys_are_a_400_also_where_they_are_the_same(service, path, names):
    with closing(service.connect()) as connection:
        connection.putrequest("POST", path)
        for name in (*names, "Content-Length"):
            connection.putheader(name, "0")
        connection.endheaders()
        assert connection.getresponse().status == 400
    assert MADE == []


def test_a_key_may_have_commas(service):
    assert [post(service, "a,b").body for _ in range(2)] == [b"x1"] * 2


def test_the_longest_key(service):
    key = "~" * 255
    assert [post(service, key).body for _ in range(2)] == [b"x1"] * 2


def test_without_redis_it_is_a_503_and_nothing_is_done(serve, primary):
    service = serve(Service, {"REDIS_URIS": {"redis": primary.uri()}})
    primary.process.kill()
    primary.process.wait()
    answer = post(service, "k")
    assert (answer.status, answer.error) == (503, "unavailable")
    assert MADE == []
    assert post(service, None).status == 200


def test_an_answer_that_can_not_be_kept_is_given_all_the_same(serve, primary):
    service = serve(Service, {"REDIS_URIS": {"redis": primary.uri()}})
    with closing(service.connect()) as connection:
        connection.request("POST", "/slow", "x", {"Idempotency-Key": "k"})
        until(lambda: MADE)
        primary.process.send_signal(signal.SIGKILL)
        primary.process.wait()
        GATE.set()
        assert connection.getresponse().status == 200


def test_a_service_that_can_keep_no_answers_does_not_start(serve):
    with pytest.raises(ConfigurationError, match="REDIS_URIS"):
        serve(Service)
