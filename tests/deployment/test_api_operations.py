"""What operators see of a request: its id in every log, the balancer's own answers, and who each instance is."""

import json
import re
import shlex
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from fleet import catalogue
from fleet.instances import SLOTS, instance

pytestmark = pytest.mark.lab


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
