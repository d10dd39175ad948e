"""The application's HTTP API as its users have it: through the virtual IP, on the fleet as it was deployed."""

# ruff: noqa: RUF001 - the Persian letters are meant

import json
import re
import shlex
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote, urlsplit

import pytest
import requests

from fleet import catalogue
from fleet.instances import SLOTS, instance

pytestmark = pytest.mark.lab

ID = re.compile("[0-9a-f]{32}")
UNKNOWN = "0" * 32
LIMIT = 64 * 1024  # bytes that a body may have
PERSIAN = "فرودگاه امام خمینی"


class Api:
    """Calls the application and takes back what it made."""

    def __init__(self, base_url):
        self.base_url = base_url
        self._session = requests.Session()
        self._made = []

    def __call__(self, method, path, **options):
        return self._session.request(method, self.base_url + path, timeout=20, **options)

    def airport(self, name="Somewhere"):
        return self._make("/airport", {"airport": name})

    def trip(self, origin, destination):
        return self._make("/trip", {"airport_from": origin, "airport_to": destination})

    def forget(self):
        """Delete what was made, the youngest first: trips before the airports that they refer to."""
        for path in reversed(self._made):
            assert self("DELETE", path).status_code in (204, 404), path
        self._session.close()

    def _make(self, path, fields):
        answer = self("POST", path, json=fields)
        assert answer.status_code == 200, answer.text
        self._made.append(f"{path}/{answer.text}")
        return answer.text


@pytest.fixture
def api(base_url):
    """The API; what a test creates through `airport` and `trip` is deleted after it."""
    api = Api(base_url)
    yield api
    api.forget()


def assert_error(answer, status, code):
    """An error is JSON with a code for programs and a sentence for people, and it has the request's id."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Request-ID"]
    assert answer.json().keys() == {"error"}
    assert answer.json()["error"].keys() == {"code", "message"}
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["message"].endswith(".")


def speak(base_url, *lines, body=b""):
    """Send a request as it stands, on a connection of its own, and return the whole answer."""
    where = urlsplit(base_url)
    with socket.create_connection((where.hostname, where.port), timeout=20) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        with connection.makefile("rb") as answer:
            return answer.read()


# What can be done


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


# Names


@pytest.mark.parametrize("name", [PERSIAN, "نیم\u200cفاصله", "Zürich ✈ 東京 🛫", "ا" * 200, "🛫" * 200, "%41&=+?#/'\""])
def test_names_come_back_as_they_were(api, name):
    assert api("GET", f"/airport/{api.airport(name)}").json() == {"airport": name}
    assert api("GET", "/hello/" + quote(name, safe="")).text == f"Hello, {name}!"


@pytest.mark.parametrize("name", ["", "a" * 201, "tab\there", "line\nend", "null\0", "delete\x7f", "next\x85line"])
def test_what_is_no_name_is_refused(api, name):
    assert_error(api("POST", "/airport", json={"airport": name}), 400, "invalid")
    if name:
        assert_error(api("GET", "/hello/" + quote(name, safe="")), 400, "invalid")


# What is refused


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


# Lists


def page(api, kind, **query):
    answer = api("GET", f"/{kind}", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json().keys() == {kind, "next"}
    return answer.json()[kind], answer.json()["next"]


def pages(api, kind, **query):
    """Every page of a list, with the query that asked for it."""
    while True:
        items, following = page(api, kind, **query)
        yield items, query
        if following is None:
            return
        query["cursor"] = following


def everything(api, kind):
    return [item for items, _ in pages(api, kind, limit=200) for item in items]


def cursor_after(api, kind, wanted):
    """The cursor of the page that ends with the item `wanted`, which is not the list's last."""
    for items, query in pages(api, kind, limit=200):
        ids = [item["id"] for item in items]
        if wanted in ids:
            return page(api, kind, **{**query, "limit": ids.index(wanted) + 1})[1]
    pytest.fail(f"{wanted} is in no page of {kind}")


def test_airports_are_listed_in_the_order_of_their_creation(api):
    made = [{"id": api.airport(name), "airport": name} for name in (PERSIAN, "B", "A", "B")]
    listed = everything(api, "airports")
    assert [one for one in listed if one in made] == made
    assert everything(api, "airports") == listed


def test_trips_are_listed_in_the_order_of_their_creation(api):
    origin, destination = api.airport(), api.airport()
    made = [
        {"id": api.trip(start, end), "from": start, "to": end}
        for start, end in [(origin, destination), (destination, origin), (origin, destination)]
    ]
    assert [one for one in everything(api, "trips") if one in made] == made


@pytest.mark.parametrize("limit", [1, 2, 200])
def test_a_page_has_as_many_items_as_were_asked_for(api, limit):
    for _ in range(3):
        api.airport()
    every = everything(api, "airports")
    items, following = page(api, "airports", limit=limit)
    assert items == every[:limit]
    assert (following is None) == (len(every) <= limit)


def test_pages_hold_every_item_once(api):
    made = [api.airport() for _ in range(7)]
    cursor = cursor_after(api, "airports", made[0])
    walked = [[item["id"] for item in items] for items, _ in pages(api, "airports", limit=2, cursor=cursor)]
    assert [one for ids in walked for one in ids if one in made] == made[1:]
    assert all(len(ids) == 2 for ids in walked[:-1])


@pytest.mark.parametrize("kind", ["airports", "trips"])
@pytest.mark.parametrize("limit", ["0", "201", "-1", "1.5", "x", "", "9" * 30, "۵"])
def test_a_limit_outside_1_to_200_is_a_400(api, kind, limit):
    assert_error(api("GET", f"/{kind}", params={"limit": limit}), 400, "invalid")


@pytest.mark.parametrize("cursor", ["", "x", "AAAAAAAAAA", "%00", "a" * 5000, "ا"])
def test_a_cursor_that_no_page_gave_is_a_400(api, cursor):
    assert_error(api("GET", "/airports", params={"cursor": cursor}), 400, "invalid")


def test_a_cursor_survives_inserts_and_deletes(api):
    first, second, third, fourth = (api.airport(name) for name in "1234")
    cursor = cursor_after(api, "airports", first)
    for gone in (first, second):  # also the one that the cursor stands for
        assert api("DELETE", f"/airport/{gone}").status_code == 204
    fifth = api.airport("5")
    items, following = page(api, "airports", limit=2, cursor=cursor)
    assert [item["id"] for item in items] == [third, fourth]
    items, _ = page(api, "airports", limit=1, cursor=following)
    assert [item["id"] for item in items] == [fifth]


# The request's id


def test_each_request_has_an_id_of_its_own(api):
    ids = [api(method, "/airports").headers["X-Request-ID"] for method in ("GET", "HEAD", "PUT", "GET")]
    assert len(set(ids)) == 4


def test_the_clients_own_request_id_is_taken_over(api):
    own = "test-API_1.5"
    for path in ("/hello/world", "/nowhere"):
        assert api("GET", path, headers={"X-Request-ID": own}).headers["X-Request-ID"] == own


@pytest.mark.parametrize("unfit", ["", "a" * 65, "with space", 'quote"', "a\tb"])
def test_a_request_id_that_is_unfit_for_logs_is_replaced(api, unfit):
    given = api("GET", "/hello/world", headers={"X-Request-ID": unfit}).headers["X-Request-ID"]
    assert re.fullmatch("[A-Za-z0-9._-]{1,64}", given)
    assert given != unfit


def test_logs_of_edge_gateway_and_airports_carry_the_requests_id(api, inventory, on, await_condition):
    request_id = api("GET", f"/airport/{api.airport()}").headers["X-Request-ID"]

    def lines(hosts, command):
        with ThreadPoolExecutor(len(hosts)) as pool:
            return [line for found in pool.map(lambda host: on(host, command), hosts) for line in found.splitlines()]

    def edge():
        return lines(
            inventory.groups["edge"], f"journalctl -u haproxy -o cat --since -5min | grep -F {request_id} || :"
        )

    def services():
        found = lines(inventory.groups["app"], f"grep -Fh {request_id} /var/log/fleet/*.log || :")
        found = [json.loads(line) for line in found]
        return found if {line["service"] for line in found} == {"gateway", "airports"} else None

    [balanced] = map(json.loads, await_condition(edge, 5, f"the edge's log has {request_id}"))
    assert (balanced["request_id"], balanced["method"], balanced["status"]) == (request_id, "GET", 200)
    logged = await_condition(services, 5, f"the logs of gateway and airports have {request_id}")
    assert {(line["service"], line["request_id"]) for line in logged} == {
        ("gateway", request_id),
        ("airports", request_id),
    }
    assert all(line.keys() >= {"time", "level", "release", "instance", "message"} for line in logged)


# What nobody but the balancer gives an answer to


OWN_ANSWERS = r"""
set -eu
folder=$(mktemp -d)
trap 'kill $balancer; wait $balancer || :; rm -r "$folder"' EXIT
printf 'global\n  tune.bufsize 98304\ndefaults\n  timeout connect 1s\n' > "$folder/global.cfg"
# The configuration of this host, on other ports, in front of nobody.
sed -E -e 's/bind [0-9.]+:[0-9]+ transparent/bind 127.0.0.1:18000/' -e 's/127.0.0.1:8404/127.0.0.1:18404/' \
    -e 's/server (\S+) \S+ check/server \1 127.0.0.1:9 check/' /etc/haproxy/conf.d/edge.cfg > "$folder/edge.cfg"
haproxy -f "$folder/global.cfg" -f "$folder/edge.cfg" > /dev/null 2>&1 &
balancer=$!
python3 - <<'END'
import http.client, json, time
deadline = time.monotonic() + 10
while True:
    connection = http.client.HTTPConnection("127.0.0.1", 18000, timeout=5)
    try:
        connection.request("GET", "/", headers={"X-Request-ID": "own-answer"})
        break
    except ConnectionRefusedError:
        if time.monotonic() > deadline:
            raise
        time.sleep(0.1)
answer = connection.getresponse()
print(json.dumps([answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()]))
END
"""


def test_the_balancers_own_answers_are_like_the_services(inventory, on):
    status, headers, body = json.loads(on(inventory.groups["edge"][0], OWN_ANSWERS))
    assert (status, headers["content-type"], headers["retry-after"]) == (503, "application/json", "1")
    assert headers["x-request-id"] == "own-answer"
    assert json.loads(body)["error"]["code"] == "unavailable"


# Instances: only the edge reaches them

ASK = """
import json, sys, urllib.request
from concurrent.futures import ThreadPoolExecutor

def ask(url):
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.URLError:
        return None

urls = sys.argv[1:]
with ThreadPoolExecutor(16) as pool:
    print(json.dumps(dict(zip(urls, pool.map(ask, urls)))))
"""


@pytest.mark.parametrize(("path", "says"), [("/health", {"alive": True}), ("/ready", {"ready": True})])
def test_every_instance_says_who_it_is_and_how(inventory, on, path, says):
    services = catalogue.complete(inventory.variable("services", "edge"))
    where = {  # URL to what should be there, in the slot that is in use
        f"http://{inventory.hostvars[host]['ansible_host']}:{one['port']}{path}": (service, entry["release"], host, one)
        for host in inventory.groups["app"]
        for service, entry in services.items()
        for slot in SLOTS
        for one in (instance(service, entry, slot, number + 1) for number in range(entry["instances"]))
    }
    asked = f"python3 -c {shlex.quote(ASK)} {shlex.join(where)}"
    answers = json.loads(on(inventory.groups["edge"][0], asked))

    answering = {url: answer for url, answer in answers.items() if answer}
    for url, (status, body) in answering.items():
        service, release, host, one = where[url]
        assert status == 200
        identity = {"service": service, "release": release, "instance": f"{one['program']}@{host}"}
        assert body.items() >= {**identity, **says}.items()
    found = Counter((where[url][0], where[url][2]) for url in answering)
    hosts = inventory.groups["app"]
    assert found == {(service, host): entry["instances"] for service, entry in services.items() for host in hosts}
