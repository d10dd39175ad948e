"""What the edge sends again: HAProxy itself, with the role's file, before instances that fail in every way."""

import http.client
import socket
import subprocess
import threading
import time
from contextlib import closing, suppress

import pytest
from chassis.http.body import BODY_MAX
from chassis.http.head import HEADERS_SIZE_MAX, LINE_MAX

DEADLINE = 30  # seconds
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


class Instance:
    """Ready as its checks see it; each request takes one from `failing`, how to fail, while there is one."""

    def __init__(self, seen, failing):
        self._seen, self._failing = seen, failing
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(sock,), daemon=True).start()

    def _answer(self, sock):
        with sock, suppress(OSError):
            received = b""
            while b"\r\n\r\n" not in received:
                received += sock.recv(65536)
            head = received.partition(b"\r\n\r\n")[0].decode("latin-1")
            if head.startswith("GET /ready"):
                sock.sendall(ANSWER)
                return
            method, *lines = head.split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            self._seen.append((method.split()[0], headers))
            how = self._failing.pop() if self._failing else "answer"
            if how == "freeze":
                while sock.recv(65536):
                    pass
            elif how == "overloaded":
                sock.sendall(ANSWER.replace(b"200 OK", b"503 No"))
            elif how == "answer":
                sock.sendall(ANSWER)

    def close(self):
        self._listener.close()


class Edge:
    """HAProxy before two instances; `seen` has every request that reached one of them."""

    def __init__(self, render, folder):
        self.seen, self.failing = [], []
        self._instances = [Instance(self.seen, self.failing) for _ in range(2)]
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
            self.port, alive = one.getsockname()[1], two.getsockname()[1]
        servers = [{"name": f"i{one.port}", "address": "127.0.0.1", "port": one.port} for one in self._instances]
        text = render(
            "haproxy/edge.cfg.j2",
            "edge1",
            haproxy_vip="127.0.0.1",
            haproxy_alive_port=alive,
            haproxy_http_timeout=1,
            haproxy_http_services=[{"name": "shop", "port": self.port, "servers": servers}],
        )
        main, part = folder / "haproxy.cfg", folder / "edge.cfg"
        main.write_text("global\n    log stdout format raw daemon\n    tune.bufsize 98304\n")
        part.write_text(text.replace(" transparent", ""))  # which only root may
        with (folder / "log").open("w") as log:
            command = ["/usr/sbin/haproxy", "-db", "-f", main, "-f", part]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)

    def until_ready(self):
        give_up = time.monotonic() + DEADLINE
        while time.monotonic() < give_up:
            with suppress(OSError), closing(socket.create_connection(("127.0.0.1", self.port), 1)):
                break
            time.sleep(0.05)
        self.request("GET")
        self.seen.clear()

    def request(self, method, body=None, headers=(), path="/thing"):
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)) as connection:
            connection.request(method, path, body, dict(headers))
            return connection.getresponse().status

    def close(self):
        self._process.kill()
        self._process.wait()
        for instance in self._instances:
            instance.close()


@pytest.fixture
def edge(render, tmp_path):
    with closing(Edge(render, tmp_path)) as running:
        running.until_ready()
        yield running


@pytest.mark.parametrize("failure", ["die", "freeze"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_request_that_an_instance_takes_and_does_not_answer_is_sent_again_as_the_same_request(edge, method, failure):
    edge.failing.append(failure)
    assert edge.request(method, "x" * 65536 if method == "POST" else None) == 200
    (_, first), (_, second) = edge.seen
    assert first == second
    assert first["x-request-id"]
    assert first["x-attempt-id"]
    if method != "GET":
        assert 1 <= len(first["idempotency-key"]) <= 255
        assert first["x-idempotency-key-by"] == "edge"


def test_each_change_without_a_key_gets_one_of_its_own(edge):
    for _ in range(2):
        edge.request("POST", "x")
    assert len({headers["idempotency-key"] for _, headers in edge.seen}) == 2


def test_the_clients_own_key_stays_and_nobody_but_the_edge_says_that_a_key_is_the_edges(edge):
    edge.request("POST", "x", {"Idempotency-Key": "mine", "X-Idempotency-Key-By": "edge"})
    ((_, headers),) = edge.seen
    assert headers["idempotency-key"] == "mine"
    assert "x-idempotency-key-by" not in headers


def test_no_client_can_pass_for_the_edges_own_repeat(edge):
    for _ in range(2):
        edge.request("POST", "x", {"Idempotency-Key": "mine", "X-Request-ID": "mine", "X-Attempt-ID": "mine"})
    ids = {headers["x-attempt-id"] for _, headers in edge.seen}
    assert len(ids) == 2
    assert "mine" not in ids


def test_the_largest_request_that_an_instance_takes_is_sent_again(edge):
    edge.failing.append("die")
    path = "/" + "x" * (LINE_MAX - len("POST / HTTP/1.1\r\n") - 1)
    headers = {f"X-{number:04}": "x" * 990 for number in range(HEADERS_SIZE_MAX // 1000)}
    assert edge.request("POST", "x" * BODY_MAX, headers, path) == 200
    (_, first), (_, second) = edge.seen
    assert first == second


def test_what_neither_reads_nor_has_a_key_is_not_sent_again(edge):
    edge.failing.append("die")
    assert edge.request("OPTIONS") == 502
    assert len(edge.seen) == 1


def test_an_answer_is_an_answer(edge):
    edge.failing.append("overloaded")
    assert edge.request("GET") == 503
    assert len(edge.seen) == 1


@pytest.mark.parametrize(
    "path",
    ["/metrics", "/metrics?x", "/%6detrics", "/%6Detric%73", "//metrics", "/%2Fmetrics", "/%2f/metric%73"],
)
def test_an_instances_metrics_are_not_the_publics(edge, path):
    assert edge.request("GET", path=path) == 404
    assert edge.seen == []
