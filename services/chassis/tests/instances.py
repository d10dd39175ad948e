"""Instances as they run on a host: a process of `nameko run`, a configuration file, a state file, an address."""

import http.client
import json
import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import yaml

TESTS = Path(__file__).parent
SOURCES = TESTS.parent / "src"


def free_port():
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return listener.getsockname()[1]


class InstanceRun:
    """One instance of the service in a module, with `paths` to import it from; starts with `start`."""

    def __init__(self, folder, module, instance_id, uri, *, paths=(TESTS,), environment=(), **settings):
        self.id, self.port, self.module = instance_id, free_port(), module
        self.file, self.config, self._log = (folder / f"{instance_id}.{kind}" for kind in ("state", "yml", "log"))
        self.paths = os.pathsep.join(map(str, (SOURCES, *paths)))
        self._environment, self._process = {**os.environ, **dict(environment), "PYTHONPATH": self.paths}, None
        service = module.partition(".")[0]
        instance = {"id": instance_id, "service": service, "release": "2.0.0", "state_file": str(self.file)}
        common = {
            "AMQP_URI": uri,
            "WEB_SERVER_ADDRESS": f"127.0.0.1:{self.port}",
            "SERVICE_CONTAINER_CLS": "chassis.container.ServiceContainer",
            "INSTANCE": instance,
            "RPC_TIMEOUT": 10,
        }
        self.config.write_text(yaml.safe_dump(common | settings))

    def say(self, state):
        """As the module that writes it does: replaced whole."""
        new = Path(f"{self.file}.new")
        new.write_text(state)
        new.rename(self.file)

    def start(self):
        command = [sys.executable, "-W", "ignore", "-m", "nameko", "run", "--config", str(self.config), self.module]
        with self._log.open("a") as log:
            self._process = subprocess.Popen(command, stderr=log, stdout=log, env=self._environment)

    def kill(self):
        if self._process:
            self._process.kill()
            self._process.wait()

    def terminate(self):
        """End it as supervisor does, and return its exit code."""
        self._process.terminate()
        return self._process.wait(60)

    @property
    def log(self):
        return self._log.read_text()

    def get(self, path):
        """The status and body of its answer; 0 and nothing while it doesn't listen."""
        try:
            with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
                connection.request("GET", path)
                answer = connection.getresponse()
                return answer.status, answer.read()
        except ConnectionError:
            return 0, b""

    def ready(self):
        """The status and JSON of its /ready."""
        if self._process.poll() is not None:
            raise RuntimeError(self.log)
        status, body = self.get("/ready")
        return status, json.loads(body or "{}")
