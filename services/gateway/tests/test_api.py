"""The HTTP API as its users see it: real services on a real Redis; only the broker between them is left out."""

import json
from urllib.parse import quote

import pytest
from chassis.errors import RpcTimeout, Unavailable
from gateway.service import GatewayService

UNKNOWN = "0" * 32
NAMES = ["Tehran", "فرودگاه امام خمینی", "می‌خواهم", "😀" * 200, "/a//b/", "..", '"', " "]
BAD_NAMES = ["", "x" * 201, "a\nb", "\0", "\x85"]


def post(api, path, **fields):
    # As the tutorial's `curl -d` sends it.
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return api.request("POST", path, json.dumps(fields), headers)


def new_airport(api, name="Tehran"):
    return post(api, "/airport", airport=name).body.decode()


def new_trip(api, airport_from, airport_to):
    return post(api, "/trip", airport_from=airport_from, airport_to=airport_to).body.decode()


def test_the_tutorials_four_calls(api):
    answer = post(api, "/airport", airport="first_airport")
    assert (answer.status, answer.headers["content-type"].split(";")[0]) == (200, "text/plain")
    first = answer.body.decode()
    assert len(first) == 32
    assert set(first) <= set("0123456789abcdef")
    answer = api.request("GET", f"/airport/{first}")
    assert (answer.status, answer.json) == (200, {"airport": "first_airport"})
    second = new_airport(api, "second_airport")
    answer = post(api, "/trip", airport_from=first, airport_to=second)
    assert (answer.status, answer.headers["content-type"].split(";")[0]) == (200, "text/plain")
    trip = answer.body.decode()
    assert api.request("GET", f"/trip/{trip}").json == {"trip": {"from": first, "to": second}}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_comes_back_as_it_was_given(api, name):
    assert api.request("GET", f"/airport/{new_airport(api, name)}").json == {"airport": name}
    answer = api.request("GET", f"/hello/{quote(name, safe='')}")
    assert (answer.status, answer.body.decode()) == (200, f"Hello, {name}!")


@pytest.mark.parametrize("name", [*BAD_NAMES, "\ud800"])
def test_what_is_no_name_is_a_400(api, name):
    answer = post(api, "/airport", airport=name)
    assert (answer.status, answer.error) == (400, "invalid")


@pytest.mark.parametrize("name", BAD_NAMES[1:])
def test_nobody_is_greeted_by_what_is_no_name(api, name):
    assert api.request("GET", f"/hello/{quote(name, safe='')}").status == 400


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/airport", {}), ("/airport", {"airport": 5}), ("/airport", {"airport": None}), ("/airport", {"name": "x"}),
        ("/trip", {}), ("/trip", {"airport_from": UNKNOWN}), ("/trip", {"airport_from": UNKNOWN, "airport_to": 1}),
        ("/trip", {"airport_from": UNKNOWN, "airport_to": "\ud800"}),
    ],
)  # fmt: skip
def test_a_field_that_is_missing_or_of_another_type_is_a_400(api, path, fields):
    answer = post(api, path, **fields)
    assert (answer.status, answer.error) == (400, "invalid")


@pytest.mark.parametrize("path", ["/airport/", "/trip/"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("identifier", [UNKNOWN, "x", "index", "%F0%9F%98%80", "x" * 5000])
def test_an_id_that_was_never_given_out_is_a_404(api, method, path, identifier):
    answer = api.request(method, path + identifier)
    assert (answer.status, answer.error) == (404, "not_found")


def test_a_trip_between_airports_that_do_not_exist_or_are_the_same_is_a_422(api):
    airport = new_airport(api)
    for airports in ((airport, airport), (airport, UNKNOWN), (UNKNOWN, airport), (airport, ""), ("x", airport)):
        answer = post(api, "/trip", airport_from=airports[0], airport_to=airports[1])
        assert (answer.status, answer.error) == (422, "unprocessable")


@pytest.mark.parametrize("path", ["/airport", "/trip"])
def test_a_creation_with_a_key_happens_once(api, path):
    fields = {"airport": "x"}
    if path == "/trip":
        fields = {"airport_from": new_airport(api), "airport_to": new_airport(api)}
    key = {"Idempotency-Key": "mine"}
    first, second = (api.request("POST", path, json.dumps(fields), key) for _ in range(2))
    assert (first.status, first.body) == (second.status, second.body)
    items = api.request("GET", f"{path}s").json[f"{path[1:]}s"]
    assert [item["id"] for item in items].count(first.body.decode()) == 1
    answer = api.request("POST", path, json.dumps({**fields, "more": 1}), key)
    assert (answer.status, answer.error) == (422, "idempotency_key_reused")


def test_a_deletion_with_a_key_succeeds_each_time(api):
    path = f"/airport/{new_airport(api)}"
    for key in ("mine", "mine"):
        assert api.request("DELETE", path, headers={"Idempotency-Key": key}).status == 204
    assert api.request("DELETE", path, headers={"Idempotency-Key": "another"}).status == 404


def test_deleting(api):
    first, second = new_airport(api), new_airport(api)
    trip = new_trip(api, first, second)
    answer = api.request("DELETE", f"/airport/{first}")
    assert (answer.status, answer.error) == (409, "conflict")
    for path in (f"/trip/{trip}", f"/airport/{first}", f"/airport/{second}"):
        answer = api.request("DELETE", path)
        assert (answer.status, answer.body) == (204, b"")
        assert api.request("DELETE", path).status == 404
        assert api.request("GET", path).status == 404


def test_lists_in_pages(api):
    airports = [{"id": new_airport(api, f"airport {number}"), "airport": f"airport {number}"} for number in range(3)]
    ids = [airport["id"] for airport in airports]
    ways = [(ids[0], ids[1]), (ids[1], ids[2]), (ids[2], ids[0])]
    trips = [{"id": new_trip(api, *way), "from": way[0], "to": way[1]} for way in ways]
    for key, items in (("airports", airports), ("trips", trips)):
        assert api.request("GET", f"/{key}").json == {key: items, "next": None}
        first = api.request("GET", f"/{key}?limit=2").json
        assert first[key] == items[:2]
        assert api.request("GET", f"/{key}?limit=2&cursor={first['next']}").json == {key: items[2:], "next": None}


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "limit=", "cursor=", "cursor=x", "cursor=%FF"])
@pytest.mark.parametrize("path", ["/airports", "/trips"])
def test_a_limit_or_cursor_that_makes_no_sense_is_a_400(api, path, query):
    answer = api.request("GET", f"{path}?{query}")
    assert (answer.status, answer.error) == (400, "invalid")


class Failing:
    """An RPC proxy of a service that can't answer."""

    def __init__(self, error):
        self._error = error

    def __getattr__(self, _method):
        def call(*_args):
            raise self._error

        return call


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [(Unavailable("no broker"), 503, "unavailable"), (RpcTimeout("too late"), 504, "timeout")],
)
def test_a_service_that_does_not_answer_is_an_answer_all_the_same(serve, redis_server, error, status, code):
    failing = Failing(error)
    config = {"REDIS_URIS": {"redis": redis_server.uri("gateway")}}
    api = serve(GatewayService, config, airports=failing, trips=failing, greeting=failing)
    for method, path in (
        ("GET", "/hello/x"), ("GET", "/airports"), ("GET", f"/airport/{UNKNOWN}"), ("DELETE", f"/trip/{UNKNOWN}"),
    ):  # fmt: skip
        answer = api.request(method, path)
        assert (answer.status, answer.error) == (status, code)
