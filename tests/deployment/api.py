"""The application's HTTP API for the tests of it."""

import re
import socket
from urllib.parse import urlsplit

import requests

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
