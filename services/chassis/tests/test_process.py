"""A service as it runs: `nameko run` with the developers' configuration, and no broker to be found."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from chassis.testing import DEADLINE, until

SERVICES = Path(__file__).parents[2]


def sources(service):
    """The environment in which a service and the chassis can be imported, and nothing else of this project."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(str(SERVICES / name / "src") for name in ("chassis", service))}


class Process:
    """`nameko run` of a service; its log is in `lines`."""

    def __init__(self, service, log, *wrapper, **environment):
        nameko = [sys.executable, "-W", "ignore", "-m", "nameko"]
        self._command = [*wrapper, *nameko, "run", "--config", "services/dev.yml", f"{service}.service"]
        self._options = {"cwd": SERVICES.parent, "env": {**sources(service), **environment}}
        self._log = log
        with log.open("w") as output:
            self._process = subprocess.Popen(self._command, stderr=output, **self._options)
        self.port = int(until(lambda: re.search(r"Listening on 127.0.0.1:(\d+)", log.read_text()))[1])

    def run_again(self):
        """Run the same on the same port until it ends."""
        self._options["env"]["PORT"] = str(self.port)
        return subprocess.run(
            self._command,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            timeout=DEADLINE,
            **self._options,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()

    @property
    def messages(self):
        lines = self._log.read_text().splitlines()
        return [json.loads(line)["message"] for line in lines if line.startswith("{") and line.endswith("}")]

    def get(self, path):
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)) as connection:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, json.loads(response.read())


@pytest.fixture
def silent_broker():
    """Something that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"amqp://guest:guest@127.0.0.1:{listener.getsockname()[1]}/"


def test_without_a_broker_it_says_so_is_alive_and_not_ready(tmp_path):
    with Process("greeting", tmp_path / "log", AMQP_URI="amqp://guest:guest@127.0.0.1:1/") as greeting:
        until(lambda: [line for line in greeting.messages if line.startswith("RabbitMQ does not answer at")])
        assert greeting.get("/health")[0] == 200
        status, body = greeting.get("/ready")
        assert (status, "RabbitMQ" in body["reason"]) == (503, True)


def test_a_broker_that_says_nothing_holds_up_no_request(tmp_path, silent_broker):
    with Process("gateway", tmp_path / "log", AMQP_URI=silent_broker, RPC_TIMEOUT="1") as gateway:
        status, body = gateway.get("/hello/world")
        assert (status, body["error"]["code"]) == (503, "unavailable")  # nothing was sent
        assert body["error"]["message"] == "greeting_service can't be called: RabbitMQ does not answer."
        assert gateway.get("/health")[0] == 200


def test_more_connections_than_it_may_hold_do_not_end_it(tmp_path):
    with Process("greeting", tmp_path / "log", "prlimit", "--nofile=64", AMQP_URI="amqp://127.0.0.1:1/") as greeting:
        with ExitStack() as connections:
            for _ in range(80):
                connections.enter_context(socket.create_connection(("127.0.0.1", greeting.port), DEADLINE))
            until(lambda: [line for line in greeting.messages if "can't be accepted" in line])
        assert greeting.get("/health")[0] == 200


def test_an_address_in_use_is_named_in_one_sentence(tmp_path):
    with Process("greeting", tmp_path / "log", AMQP_URI="amqp://127.0.0.1:1/") as greeting:
        second = greeting.run_again()
        assert second.stdout == (
            f"Error: Can't listen on 127.0.0.1:{greeting.port} (Address already in use): "
            "end what uses it or set WEB_SERVER_ADDRESS.\n"
        )


@pytest.mark.parametrize("service", ["greeting", "gateway"])
def test_a_service_without_redis_starts_where_its_client_is_not_installed(service):
    # As in its release, which holds what its requirements.lock says.
    check = (
        f"import sys; sys.modules.update(redis=None, nameko_redis=None); import chassis.container, {service}.service"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", check], env=sources(service), timeout=DEADLINE, check=True)
