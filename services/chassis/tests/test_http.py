"""What a client of any HTTP service gets: answers, errors, ids, and a connection that can be used again."""

import json
from contextlib import closing
from urllib.parse import urlencode

import eventlet
import pytest
from chassis import errors
from chassis.http import http, query_int, text_fields
from chassis.readiness import Readiness
from nameko.exceptions import BadRequest, IncorrectSignature, RemoteError, UnknownService
from werkzeug.wrappers import Response

from .tried import Context

RAISED = {
    "invalid": (errors.Invalid("no"), 400),
    "not_found": (errors.NotFound("no"), 404),
    "conflict": (errors.Conflict("no"), 409),
    "unprocessable": (errors.Unprocessable("no"), 422),
    "not_enough_replicas": (errors.NotEnoughReplicas("no"), 503),
    "unavailable": (errors.Unavailable("no"), 503),
    "timeout": (errors.RpcTimeout("no"), 504),
}
BUGS = {
    "own": ZeroDivisionError("secret"),
    "remote": RemoteError("KeyError", "secret"),
    "no_exception": BaseException("secret"),
    "called-wrongly": IncorrectSignature("secret"),
}


class UntoldError(Exception):
    """One whose text can't be told."""

    def __str__(self):
        raise LookupError


class Service:
    name = "tried_service"
    context = Context()

    @http("POST", "/echo")
    def echo(self, request):
        return {"text": text_fields(request, "text")[0]}

    @http("GET", "/text/<value>")
    def text(self, _request, value):
        return value

    @http("GET", "/context")
    def passed_on(self, _request):
        return self.context

    @http("GET,DELETE", "/nothing")
    def nothing(self, _request):
        return None

    @http("GET", "/number")
    def number(self, request):
        return {"number": query_int(request, "number", 7)}

    @http("GET", "/raise/<code>")
    def fail(self, _request, code):
        raise RAISED[code][0]

    @http("GET", "/bug/<kind>")
    def bug(self, _request, kind):
        raise BUGS[kind]

    @http("GET", "/times-out")
    def time_out(self, _request):
        with eventlet.Timeout(0.01):
            eventlet.sleep(60)

    @http("GET", "/untold")
    def untold(self, _request):
        raise UntoldError

    @http("GET", "/not-in-json/<number>")
    def not_in_json(self, _request, number):
        return {"number": float(number)}

    @http("GET", "/expected/<kind>", expected_exceptions=(LookupError, errors.NotFound))
    def expected(self, _request, kind):
        raised = {"key": KeyError, "own": errors.NotFound, "bad": BadRequest, "bug": ValueError}
        raise raised[kind]("no")

    @http("POST", "/read/<how>")
    def read(self, request, how):
        return {
            "text": lambda: request.get_data(as_text=True),
            "json": request.get_json,
            "form": lambda: request.form.to_dict(),
            "stream": lambda: {"length": request.content_length, "text": request.stream.read().decode()},
        }[how]()

    @http("GET", "/unknown-service")
    def unknown_service(self, _request):
        raise UnknownService("other_service")

    @http("GET", "/werkzeug")
    def werkzeug(self, _request):
        return Response("x", 202, {"X-Own": "y"})

    @http("GET", "/tuple")
    def with_status(self, _request):
        return 201, {"X-Own": "y"}, "x"


@pytest.fixture
def service(serve):
    return serve(Service)


def post(service, body, **headers):
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return service.request("POST", "/echo", body, given)


def test_an_object_is_answered_as_json_text_as_text_and_nothing_as_204(service):
    answer = post(service, '{"text": "تهران"}')
    assert (answer.status, answer.headers["content-type"], answer.json) == (200, "application/json", {"text": "تهران"})
    answer = service.request("GET", "/text/%D8%AA")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert answer.body.decode() == "ت"
    answer = service.request("DELETE", "/nothing")
    assert (answer.status, answer.body) == (204, b"")
    assert "content-type" not in answer.headers


@pytest.mark.parametrize(("path", "status"), [("/werkzeug", 202), ("/tuple", 201)])
def test_what_namekos_own_entrypoint_allows_is_answered_too(service, path, status):
    answer = service.request("GET", path)
    assert (answer.status, answer.headers["x-own"], answer.body) == (status, "y", b"x")
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("code", RAISED)
def test_each_error_of_a_service_has_its_status(service, code):
    answer = service.request("GET", f"/raise/{code}")
    assert (answer.status, answer.error) == (RAISED[code][1], code)
    assert ("retry-after" in answer.headers) == (answer.status == 503)


def test_a_service_that_does_not_run_is_a_503(service):
    answer = service.request("GET", "/unknown-service")
    assert (answer.status, answer.error) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("kind", BUGS)
def test_a_bug_is_a_500_that_shows_nothing_of_itself_and_is_logged(service, kind, caplog):
    answer = service.request("GET", f"/bug/{kind}")
    assert (answer.status, answer.error) == (500, "internal")
    assert b"secret" not in answer.body
    assert b"Traceback" not in answer.body
    assert "secret" in caplog.text


def test_a_method_that_a_timeout_ends_is_a_500_that_is_logged(service, caplog):
    answer = service.request("GET", "/times-out")
    assert (answer.status, answer.error) == (500, "internal")
    assert "Timeout: 0.01 second" in caplog.text


def test_an_error_whose_text_can_not_be_told_is_a_500_that_is_logged(service, caplog):
    answer = service.request("GET", "/untold")
    assert (answer.status, answer.error) == (500, "internal")
    assert "UntoldError" in caplog.text


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
def test_a_number_that_json_can_not_hold_is_a_500_that_is_logged(service, caplog, number):
    answer = service.request("GET", f"/not-in-json/{number}")
    assert (answer.status, answer.error) == (500, "internal")
    (record,) = [record for record in caplog.records if getattr(record, "event", "") == "request"]
    assert (record.levelname, record.error.partition(":")[0]) == ("ERROR", "ValueError")


@pytest.mark.parametrize(
    ("kind", "status", "error"),
    [("key", 400, "bad_request"), ("bad", 400, "bad_request"), ("own", 404, "not_found"), ("bug", 500, "internal")],
)
def test_an_error_that_a_method_expects_is_the_clients_as_with_nameko(service, kind, status, error):
    answer = service.request("GET", f"/expected/{kind}")
    assert (answer.status, answer.error) == (status, error)
    assert (b"no" in answer.body) == (status != 500)


def test_a_handler_reads_the_body_as_with_nameko(service):
    text = '{"text": "x"}'
    json_type, form_type = ({"Content-Type": f"application/{kind}"} for kind in ("json", "x-www-form-urlencoded"))
    for body in (text, iter([text.encode()])):  # with its length, and chunked
        assert service.request("POST", "/read/json", body, json_type).json == {"text": "x"}
    for body in (text, iter([text.encode()])):
        assert service.request("POST", "/read/stream", body).json == {"length": 13, "text": text}
    assert service.request("POST", "/read/text", text).body == text.encode()
    assert service.request("POST", "/read/text").body == b""
    form = {"text": "x y", "other": "z"}
    assert service.request("POST", "/read/form", urlencode(form), form_type).json == form


def test_a_bug_in_the_listener_is_a_500_that_is_logged(service, monkeypatch, caplog):
    monkeypatch.setattr(Readiness, "report", lambda _self: {}["lost"])
    answer = service.request("GET", "/ready")
    assert (answer.status, answer.error) == (500, "internal")
    assert "KeyError: 'lost'" in caplog.text


def test_a_path_that_does_not_exist_is_a_404(service):
    for path in (
        "/", "/echo/", "/text/", "/text/a%2Fb", "/text//x", "/nothing?x", "/%00", "//text/x", "/%2Ftext/x", "//health",
        "//metrics", "///metrics", "/%2Fmetrics", "/%2f/metrics",
    ):  # fmt: skip
        expected = 204 if path == "/nothing?x" else 404
        assert service.request("GET", path).status == expected, path


def test_a_method_that_the_path_does_not_allow_is_a_405_that_says_which(service):
    answer = service.request("PUT", "/nothing")
    assert (answer.status, answer.error) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "DELETE, GET, HEAD"
    assert service.request("GET", "/echo").headers["allow"] == "POST"


def test_head_is_answered_wherever_get_is_and_without_a_body(service):
    answer = service.request("HEAD", "/text/hello")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "5")
    assert service.request("HEAD", "/ready").status == 200
    assert service.request("HEAD", "/unheard-of").status == 404


@pytest.mark.parametrize(
    "given",
    [
        "application/json",
        "application/json; charset=UTF-8",
        "application/ld+json",
        "application/x-www-form-urlencoded",
        None,
    ],
)
def test_types_that_can_be_json_are_taken(service, given):
    headers = {"Content_Type": given} if given else {}
    assert post(service, '{"text": "x"}', **headers).status == 200


@pytest.mark.parametrize("given", ["text/plain", "application/xml", "application/json; charset=latin-1", "x", "+json"])
def test_types_that_can_not_be_json_are_a_415(service, given):
    answer = post(service, '{"text": "x"}', Content_Type=given)
    assert (answer.status, answer.error) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"text"', b"{}", b'{"text": null}', b'{"text": 1}', b'{"text": ["x"]}',
        b'{"text": "\xff"}', b'{"text": "\\ud800"}', b'{"text": "x", "n": NaN}', b"[" * 60_000, b'{"a":' * 12_000,
        b'{"text": ' + b"1" * 60_000 + b"}", '{"text": "x"}'.encode("utf-16"), b'\xef\xbb\xbf{"text": "x"}',
        b"text=x", b'{"text": "x"} {}',
    ],
)  # fmt: skip
def test_a_body_that_is_not_the_object_asked_for_is_a_400(service, body):
    answer = post(service, body)
    assert answer.status == 400
    assert answer.error in ("bad_json", "invalid")


@pytest.mark.parametrize(("query", "number"), [("", 7), ("?number=12", 12), ("?number=007", 7)])
def test_a_number_in_the_query(service, query, number):
    assert service.request("GET", f"/number{query}").json == {"number": number}


@pytest.mark.parametrize("value", ["", "x", "-1", "1.0", "+1", "1_0", "%D9%A3", "9" * 5000, "%FF"])
def test_a_query_that_is_no_number_is_a_400(service, value):
    answer = service.request("GET", f"/number?number={value}")
    assert (answer.status, answer.error) == (400, "invalid")


def test_a_request_id_is_taken_over_or_made_and_stands_in_every_answer(service):
    for path in ("/text/x", "/unheard-of", "/raise/invalid", "/health"):
        assert service.request("GET", path, headers={"X-Request-ID": "a.B-9_"}).headers["x-request-id"] == "a.B-9_"
    made = {service.request("GET", "/text/x").headers["x-request-id"] for _ in range(2)}
    assert len(made) == 2
    for bad in ("", "a b", "x" * 65, "<script>", "ä"):
        answer = service.request("GET", "/text/x", headers={"X-Request-ID": bad.encode()})
        assert answer.headers["x-request-id"] not in ("", bad)


def test_the_request_id_goes_with_the_calls_that_the_request_causes(service):
    context = service.request("GET", "/context", headers={"X-Request-ID": "mine"}).json
    assert context["request_id"] == "mine"
    assert service.request("GET", "/context").json["request_id"] not in ("", "mine")


def test_a_connection_can_be_used_again_also_after_errors(service):
    with closing(service.connect()) as connection:
        connection.connect()
        sock = connection.sock
        for method, path, body, status in (
            ("POST", "/echo", '{"text": "x"}', 200),
            ("POST", "/echo", "{", 400),
            ("POST", "/unheard-of", '{"text": "x"}', 404),
            ("POST", "/echo", "x" * 100_000, 413),
            ("DELETE", "/nothing", None, 204),
            ("GET", "/text/x", None, 200),
        ):
            assert service.request(method, path, body, connection=connection).status == status
        assert connection.sock is sock


@pytest.mark.parametrize(
    ("path", "level", "error"),
    [
        ("/raise/not_found", "INFO", None),
        ("/raise/unavailable", "WARNING", "Unavailable: no"),
        ("/raise/timeout", "WARNING", "RpcTimeout: no"),
        ("/bug/own", "ERROR", "ZeroDivisionError: secret"),
    ],
)
def test_what_failed_on_our_side_is_in_the_line(service, caplog, path, level, error):
    caplog.set_level("INFO")
    service.request("GET", path)
    (record,) = [record for record in caplog.records if getattr(record, "event", "") == "request"]
    assert (record.levelname, getattr(record, "error", None)) == (level, error)


def test_one_line_is_logged_for_a_request_with_its_ids(service, caplog):
    caplog.set_level("INFO")
    service.request("GET", "/text/x", headers={"X-Request-ID": "mine"})
    (record,) = [record for record in caplog.records if getattr(record, "event", "") == "request"]
    assert (record.method, record.path, record.status) == ("GET", "/text/x", 200)
    assert record.call_id.startswith("tried_service.text.")


def test_requests_are_counted_by_their_route(service):
    def counted(route, status):
        line = f'nameko_http_requests_total{{endpoint="{route}",http_method="GET",status_code="{status}"}} '
        found = [
            text for text in service.request("GET", "/metrics").body.decode().splitlines() if text.startswith(line)
        ]
        return float(found[0].split()[-1]) if found else 0

    before = counted("/text/<value>", 200), counted("other", 404)
    for path in ("/text/a", "/text/b", "/unheard-of", "/of/this/neither"):
        service.request("GET", path)
    assert (counted("/text/<value>", 200), counted("other", 404)) == (before[0] + 2, before[1] + 2)


def test_the_body_is_bounded_where_its_length_is_not_said(service):
    text = "x" * (64 * 1024 - len('{"text": ""}'))
    fits = json.dumps({"text": text}).encode()
    assert len(fits) == 64 * 1024
    assert service.request("POST", "/echo", iter([fits])).status == 200
    assert service.request("POST", "/echo", iter([fits, b" "])).error == "payload_too_large"
    assert post(service, fits).status == 200
    assert post(service, fits + b" ").status == 413
