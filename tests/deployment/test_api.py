"""The application's HTTP API as its users have it: through the virtual IP, on the fleet as it was deployed."""

# ruff: noqa: RUF001 - the Persian letters are meant

import json
from urllib.parse import quote

import pytest

from tests.deployment.api import ID, PERSIAN, UNKNOWN, assert_error

pytestmark = pytest.mark.lab


def test_an_airport_is_created_found_and_deleted(api):
    created = api("POST", "/airport", json={"airport": "first_airport"})
    assert (created.status_code, created.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert ID.fullmatch(created.text)
    path = f"/airport/{created.text}"

    found = api("GET", path)
    assert (found.status_code, found.headers["Content-Type"]) == (200, "application/json")
    assert found.json() == {"airport": "first_airport"}

    deleted = api("DELETE", path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert "Content-Type" not in deleted.headers
    assert_error(api("DELETE", path), 404, "not_found")
    assert_error(api("GET", path), 404, "not_found")


def test_a_trip_is_created_found_and_deleted(api):
    origin, destination = api.airport(), api.airport()
    created = api("POST", "/trip", json={"airport_from": origin, "airport_to": destination})
    assert (created.status_code, created.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    path = f"/trip/{created.text}"

    found = api("GET", path)
    assert (found.status_code, found.headers["Content-Type"]) == (200, "application/json")
    assert found.json() == {"trip": {"from": origin, "to": destination}}

    assert api("DELETE", path).status_code == 204
    assert_error(api("DELETE", path), 404, "not_found")
    assert_error(api("GET", path), 404, "not_found")


def test_a_greeting_can_be_seen_from_outside(api):
    answer = api("GET", "/hello/world")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert answer.text == "Hello, world!"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",  # what `curl -d` says
        "application/json; charset=UTF-8",
        "application/vnd.api+json",
        None,
    ],
)
def test_json_is_accepted_under_each_name_that_it_may_have(api, content_type):
    content = json.dumps({"airport": "typed"}).encode()
    answer = api("POST", "/airport", data=content, headers={"Content-Type": content_type})
    assert answer.status_code == 200, answer.text
    assert api("DELETE", f"/airport/{answer.text}").status_code == 204


def test_head_says_what_get_would_without_the_body(api):
    path = f"/airport/{api.airport()}"
    get, head = api("GET", path), api("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Type", "Content-Length"):
        assert head.headers[name] == get.headers[name]
    missing = api("HEAD", f"/airport/{UNKNOWN}")
    assert (missing.status_code, missing.content) == (404, b"")


@pytest.mark.parametrize("name", [PERSIAN, "نیم\u200cفاصله", "Zürich ✈ 東京 🛫", "ا" * 200, "🛫" * 200, "%41&=+?#/'\""])
def test_names_come_back_as_they_were(api, name):
    assert api("GET", f"/airport/{api.airport(name)}").json() == {"airport": name}
    assert api("GET", "/hello/" + quote(name, safe="")).text == f"Hello, {name}!"


@pytest.mark.parametrize("name", ["", "a" * 201, "tab\there", "line\nend", "null\0", "delete\x7f", "next\x85line"])
def test_what_is_no_name_is_refused(api, name):
    assert_error(api("POST", "/airport", json={"airport": name}), 400, "invalid")
    if name:
        assert_error(api("GET", "/hello/" + quote(name, safe="")), 400, "invalid")
