"""What the tutorial's reader types first: a greeting from the shell, and the four `curl` calls."""

import json
import re
import subprocess

import pytest
from nameko.standalone.rpc import ClusterRpcProxy

from fleet import tunnel
from fleet.paths import ROOT

pytestmark = pytest.mark.lab

ID = re.compile("[0-9a-f]{32}")


def make(target, typed=""):
    """What a make target prints on standard output, with `typed` on its standard input."""
    done = subprocess.run(["make", target], cwd=ROOT, input=typed, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def url():
    """The application's base URL, which is all that `make url` prints."""
    [line] = make("url").splitlines()
    return line


@pytest.fixture
def curl(url):
    """Calls curl as the tutorial does and returns status, content type and body; what it creates is deleted."""
    created = []

    def call(path, *options):
        written = "\n%{http_code} %{content_type}"
        command = ["curl", "--silent", "--show-error", "--max-time", "20", "--write-out", written, *options]
        done = subprocess.run([*command, f"{url}{path}"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        body, _, status_line = done.stdout.rpartition("\n")
        status, _, content_type = status_line.partition(" ")
        if "-d" in options and status == "200":
            created.append(f"{path}/{body}")
        return int(status), content_type.partition(";")[0], body

    yield call
    for path in reversed(created):
        assert call(path, "--request", "DELETE")[0] == 204


def test_the_greeting_answers_by_rpc(inventory):
    with tunnel.amqp(inventory) as uri, ClusterRpcProxy({"AMQP_URI": uri}, timeout=20) as rpc:
        assert rpc.greeting_service.hello(name="world") == "Hello, world!"


def test_the_greeting_answers_in_the_shell():
    assert make("shell", "print(n.rpc.greeting_service.hello(name='world'))\n") == "Hello, world!\n"


def test_the_application_answers_at_the_url_that_make_prints(inventory, url, curl):
    assert url == f"http://{inventory.variable('vip', 'edge')}:8000"
    assert curl("/hello/world") == (200, "text/plain", "Hello, world!")


def test_the_four_curl_calls(curl):
    status, content_type, first = curl("/airport", "-d", '{"airport": "first_airport"}')
    assert (status, content_type) == (200, "text/plain")
    assert ID.fullmatch(first)
    _, _, second = curl("/airport", "-d", '{"airport": "second_airport"}')
    assert second != first

    status, content_type, body = curl(f"/airport/{first}")
    assert (status, content_type) == (200, "application/json")
    assert json.loads(body) == {"airport": "first_airport"}

    status, content_type, trip = curl("/trip", "-d", json.dumps({"airport_from": first, "airport_to": second}))
    assert (status, content_type) == (200, "text/plain")
    assert ID.fullmatch(trip)

    status, content_type, body = curl(f"/trip/{trip}")
    assert (status, content_type) == (200, "application/json")
    assert json.loads(body) == {"trip": {"from": first, "to": second}}
