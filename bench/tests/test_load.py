"""The load generator tells right answers from wrong ones, and counts all."""

import json
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.load import SEEDS, Job


class Gateway(BaseHTTPRequestHandler):
    """Answers as the gateway does; `spoil` may change an answer."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._answer(json.dumps({"airport": self.server.airports[self.path.rpartition("/")[2]]}))

    def do_POST(self):
        airport = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["airport"]
        airport_id = uuid.uuid4().hex
        self.server.airports[airport_id] = airport
        self._answer(airport_id)

    def _answer(self, body):
        self.server.answers += 1
        # What comes first, the airports that the job makes for itself, is never spoiled.
        spoiled = self.server.spoil(self.command, self.server.answers - SEEDS) if self.server.answers > SEEDS else None
        if spoiled == b"close":
            self.close_connection = True
            return None
        if spoiled:
            return self.wfile.write(spoiled)
        return self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body.encode()))

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


@pytest.fixture
def gateway():
    with Server(("127.0.0.1", 0), Gateway) as server:
        server.airports, server.answers, server.spoil = {}, 0, lambda *_: None
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def run(gateway, **job):
    defaults = {"connections": 2, "seconds": 0.3, "warmup": 0, "mix": ["GET", "POST"], "rate": None}
    return Job({"host": "127.0.0.1", "port": gateway.server_address[1], **defaults, **job}).run()


def test_right_answers_are_counted_and_timed(gateway):
    result = run(gateway)

    assert result["counted"] > 0
    assert (result["errors"], result["refused"], result["reopened"]) == (0, 0, 0)
    assert 0 < result["p50_ms"] <= result["p99_ms"] <= result["max_ms"]
    assert len(result["seeds"]) == SEEDS


def test_a_wrong_body_is_an_error_and_is_shown(gateway):
    wrong = b'HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"airport": "other"}'
    gateway.spoil = lambda _, number: wrong if number == 1 else None

    result = run(gateway, mix=["GET"])

    assert result["errors"] == 1
    assert result["samples"] == ['GET: 200 {"airport": "other"}']


def test_a_refusal_is_no_error_and_its_connection_rests(gateway):
    refusal = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n"
    gateway.spoil = lambda _, number: refusal if number <= 2 else None

    result = run(gateway)

    assert (result["refused"], result["answered"], result["errors"]) == (2, 2, 0)


def test_a_connection_that_is_closed_instead_of_an_answer_is_an_error_and_opened_again(gateway):
    gateway.spoil = lambda _, number: b"close" if number == 3 else None

    result = run(gateway)

    assert (result["errors"], result["reopened"]) == (1, 1)
    assert result["counted"] > 0


def test_an_open_loop_asks_as_often_as_it_is_told_to(gateway):
    result = run(gateway, rate=100, seconds=1)

    assert 90 <= result["answered"] <= 110
