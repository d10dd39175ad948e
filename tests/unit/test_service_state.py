"""What an instance must answer to count as taking calls, and where a RabbitMQ node's name is read."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.unit.test_modules import module

INSTANCE = "greeting-1.0.0-a1@app1"


@pytest.fixture
def instance():
    """Answers /ready with `instance.answer(status, content)`; `instance.port` is where."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, content = server.answered
            self.send_response(status)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def answer(status, content):
        server.answered = status, content if isinstance(content, bytes) else json.dumps(content).encode()
        return module("service_state").objection("127.0.0.1", server.port, INSTANCE)

    yield answer
    server.shutdown()
    server.server_close()


def test_an_instance_takes_calls_when_it_says_so_by_its_own_id(instance):
    assert instance(200, {"instance": INSTANCE, "ready": True}) == ""


def test_one_that_says_no_is_quoted(instance):
    assert instance(503, {"instance": INSTANCE, "reason": "Not connected to RabbitMQ."}) == "Not connected to RabbitMQ."
    assert instance(404, {"instance": INSTANCE}) == "status 404"


def test_another_on_its_port_is_named(instance):
    assert "greeting-0.9.0-a1@app1" in instance(200, {"instance": "greeting-0.9.0-a1@app1"})


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"\xff"])
def test_what_is_no_answer_is_said(instance, content):
    assert "doesn't answer" in instance(200, content)


def test_so_is_that_nobody_answers():
    assert "doesn't answer on port 1 " in module("service_state").objection("127.0.0.1", 1, INSTANCE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# ours\nNODENAME=rabbit@core1\n", ["-sname", "rabbit@core1"]),
        ("NODENAME=rabbit@core1.example.com\nUSE_LONGNAME=true\n", ["-name", "rabbit@core1.example.com"]),
        (None, ["-sname", "rabbit@core9"]),
    ],
)
def test_a_broker_node_is_asked_by_the_name_that_its_file_gives_it(tmp_path, monkeypatch, text, expected):
    loaded = module("rabbitmq_state")
    monkeypatch.setattr(loaded, "NAMES", tmp_path / "rabbitmq-env.conf")
    monkeypatch.setattr(loaded.socket, "gethostname", lambda: "core9.example.com")
    if text is not None:
        loaded.NAMES.write_text(text)
    assert loaded.node() == expected
