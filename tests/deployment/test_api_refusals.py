"""What the API refuses, and how it says so."""

import pytest

from tests.deployment.api import LIMIT, UNKNOWN, assert_error, speak

pytestmark = pytest.mark.lab


@pytest.mark.parametrize(
    "path", ["/", "/nowhere", "/hello/", f"/airport/{UNKNOWN}", "/airport/x", f"/trip/{UNKNOWN}", "/trip/%D8%A7"]
)
def test_what_is_not_there_is_a_404(api, path):
    assert_error(api("GET", path), 404, "not_found")


@pytest.mark.parametrize("path", [f"/airport/{UNKNOWN}", f"/trip/{UNKNOWN}"])
def test_what_is_not_there_cannot_be_deleted(api, path):
    assert_error(api("DELETE", path), 404, "not_found")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"1", b'"text"', b"NaN", b'{"airport": NaN}', b'{"airport": "\xff"}', b"[" * 60_000]
)
def test_bad_json_is_a_400(api, body):
    answer = api("POST", "/airport", data=body, headers={"Content-Type": "application/json"})
    assert_error(answer, 400, "bad_json")


@pytest.mark.parametrize("value", [None, 1, 1.5, True, [], {}, ["name"]])
def test_a_mistyped_field_is_a_400(api, value):
    assert_error(api("POST", "/airport", json={"airport": value}), 400, "invalid")
    assert_error(api("POST", "/trip", json={"airport_from": UNKNOWN, "airport_to": value}), 400, "invalid")


@pytest.mark.parametrize("fields", [{}, {"airport_from": UNKNOWN}, {"airport_to": UNKNOWN}])
def test_a_missing_field_is_a_400(api, fields):
    assert_error(api("POST", "/airport", json=fields), 400, "invalid")
    assert_error(api("POST", "/trip", json=fields), 400, "invalid")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/airport", {"POST"}),
        ("PUT", "/airport", {"POST"}),
        ("POST", f"/airport/{UNKNOWN}", {"DELETE", "GET", "HEAD"}),
        ("PATCH", f"/trip/{UNKNOWN}", {"DELETE", "GET", "HEAD"}),
        ("DELETE", "/airports", {"GET", "HEAD"}),
        ("OPTIONS", "/trips", {"GET", "HEAD"}),
        ("POST", "/hello/world", {"GET", "HEAD"}),
    ],
)
def test_another_method_is_a_405_that_says_which_are_allowed(api, method, path, allowed):
    answer = api(method, path)
    assert_error(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == allowed


def test_an_airport_with_a_trip_stays_until_the_trip_is_gone(api):
    origin, destination = api.airport(), api.airport()
    trip = api.trip(origin, destination)
    for airport in (origin, destination):
        assert_error(api("DELETE", f"/airport/{airport}"), 409, "conflict")
        assert api("GET", f"/airport/{airport}").status_code == 200
    assert api("DELETE", f"/trip/{trip}").status_code == 204
    for airport in (origin, destination):
        assert api("DELETE", f"/airport/{airport}").status_code == 204


def test_a_trip_needs_two_different_airports_that_exist(api):
    airport = api.airport()
    for origin, destination in [(airport, UNKNOWN), (UNKNOWN, airport), (airport, airport), (airport, "no id")]:
        answer = api("POST", "/trip", json={"airport_from": origin, "airport_to": destination})
        assert_error(answer, 422, "unprocessable")


def body_of(size):
    """A JSON object that names no airport, of exactly `size` bytes."""
    return b'{"a": "' + b"x" * (size - 9) + b'"}'


def chunked(body):
    """The body in pieces, which makes requests send it chunked: without a length in advance."""
    yield from (body[start : start + 10_000] for start in range(0, len(body), 10_000))


@pytest.mark.parametrize("send", [bytes, chunked], ids=["with its length", "chunked"])
def test_64_kib_is_as_large_as_a_body_may_be(api, send):
    json_type = {"Content-Type": "application/json"}
    assert_error(api("POST", "/airport", data=send(body_of(LIMIT)), headers=json_type), 400, "invalid")
    too_large = api("POST", "/airport", data=send(body_of(LIMIT + 1)), headers=json_type)
    assert_error(too_large, 413, "payload_too_large")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "multipart/form-data", "image/png", "application/json; charset=latin-1"]
)
def test_a_type_that_cannot_be_json_is_a_415(api, content_type):
    answer = api("POST", "/airport", data=b'{"airport": "typed"}', headers={"Content-Type": content_type})
    assert_error(answer, 415, "unsupported_media_type")


def test_a_path_that_is_not_utf8_is_a_400(api):
    assert_error(api("GET", "/hello/%ff"), 400, "bad_request")


def test_what_is_not_http_is_refused_and_the_connection_closed(base_url):
    assert speak(base_url, "HELLO").startswith(b"HTTP/1.1 400 ")


def test_a_client_of_http_1_0_is_served(base_url):
    answer = speak(base_url, "GET /hello/old HTTP/1.0")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"\r\n\r\nHello, old!")
