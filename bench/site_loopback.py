"""Contestants on this machine alone, to prove their code: one RabbitMQ node, one Redis without replicas, no balancer.

What it measures is not comparable with the lab's figures.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench import broker, usage
from bench.contestants import PARTS, Contestant, processes
from fleet.errors import FleetError
from fleet.paths import CACHE, CHASSIS, ROOT, SERVICES
from fleet.release.tools import UV, run
from fleet.release.wheelhouse import sha256

PEERS = ROOT / "bench" / "peers"
LOAD = Path(__file__).with_name("load.py")
VENV = CACHE / "bench" / "venv"


class LoopbackSite:
    """Processes of this machine, on free ports of its loopback; a context manager."""

    name = "loopback"
    peers = str(PEERS)
    replicas = 0

    def __init__(self, contestants):
        self._contestants = contestants
        self._password = "bench"  # noqa: S105 - for a broker that nobody else reaches
        self._processes = {}
        self._ports = {}

    def __enter__(self):
        # The services' test servers; no service is installed on the controller.
        sys.path.append(str(CHASSIS / "src"))
        from chassis.testing.rabbitmq_server import RabbitMQServer
        from chassis.testing.redis_server import RedisServer

        _provide_peers()
        with ExitStack() as stack:
            self.folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-"))
            self._redis = stack.enter_context(RedisServer("--appendonly", "yes", "--appendfsync", "always"))
            self._broker = stack.enter_context(RabbitMQServer())
            broker.prepare(self._broker.evaluate, self._contestants, self._password)
            # The contestants end first: a service whose broker is gone takes long.
            stack.callback(self._end)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    @property
    def redis_uri(self) -> str:
        return self._redis.uri()

    def address(self, contestant: Contestant, part: str) -> str:
        """Where a part of a contestant listens, the same port whenever it is asked for."""
        name = f"{contestant.name}/{part}"
        while name not in self._ports:
            with socket.create_server(("127.0.0.1", 0)) as server:
                port = server.getsockname()[1]
            # Nothing listens there yet, so the kernel may give the same port again, and one would answer for the other.
            if port not in self._ports.values():
                self._ports[name] = port
        return f"127.0.0.1:{self._ports[name]}"

    def amqp_uri(self, contestant: Contestant) -> str:
        return f"amqp://{broker.USER}:{self._password}@127.0.0.1:{self._broker.port}/{broker.vhost(contestant)}"

    @staticmethod
    def peer_program(name: str) -> str:
        return str(VENV / "bin" / name)

    @staticmethod
    def own_nameko(service: str, _release: str) -> tuple[list[str], dict]:
        """Our service from its source, in the controller's environment."""
        folders = [str(folder / "src") for folder in (SERVICES / service, CHASSIS)]
        return [sys.executable, "-W", "ignore", "-m", "nameko"], {"PYTHONPATH": os.pathsep.join(folders)}

    def start(self, contestant: Contestant) -> None:
        """Start a contestant's processes."""
        for part, process in processes(contestant, self).items():
            for path, content in process.files.items():
                Path(path).write_text(content)
            name = f"{contestant.name}/{part}"
            with self._log(name).open("w") as log:
                self._processes[name] = subprocess.Popen(
                    process.command,
                    env={"PATH": os.environ["PATH"], **process.environment},
                    cwd=process.folder,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def log(self, contestant: Contestant) -> str:
        """The last words of a contestant's processes."""
        files = [self._log(f"{contestant.name}/{part}") for part in PARTS]
        return "\n".join(line for file in files for line in file.read_text().splitlines()[-15:])

    @staticmethod
    def generate(job: dict) -> dict:
        """Run the load generator."""
        limit = job["seconds"] + job["warmup"] + 60
        done = subprocess.run(
            [sys.executable, str(LOAD)],
            input=json.dumps(job), capture_output=True, text=True, timeout=limit, check=False,
        )  # fmt: skip
        if done.returncode:
            raise FleetError(done.stderr.strip()[-500:])
        return json.loads(done.stdout)

    def usage(self) -> dict[str, float]:
        """CPU seconds used so far."""
        for name, process in self._processes.items():
            # It would count as one that uses nothing.
            if process.poll() is not None:
                raise FleetError(f"{name} has ended. Its log ends:\n{self._log(name).read_text()[-1000:]}")
        return {name: usage.of_processes([pid]) for name, pid in self._pids().items()}

    def memory(self) -> dict[str, int]:
        """Resident bytes of every process."""
        found = {}
        for name, pid in self._pids().items():
            found |= {f"{name} {one}": size for one, size in usage.memory_of_processes([pid]).items()}
        return found

    def queues(self, contestant: Contestant) -> dict[str, str]:
        return broker.queues(self._broker.evaluate, contestant)

    def versions(self) -> dict[str, str]:
        """What runs here."""
        return {"rabbitmq-server": ".".join(map(str, self._broker.version)), "python3": sys.version.split()[0]}

    def _pids(self) -> dict[str, int]:
        servers = {"broker": self._broker.process, "redis": self._redis.process}
        return {name: process.pid for name, process in {**servers, **self._processes}.items()}

    def _log(self, name: str) -> Path:
        return Path(self.folder) / f"{name.replace('/', '-')}.log"

    def _end(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)  # its group: it was started in a session of its own
                process.wait()


def _provide_peers() -> None:
    """Make the peers' environment as their lock says, and nothing when it is that already."""
    wanted, note = sha256(PEERS / "requirements.lock"), VENV / "built-from"
    if note.exists() and note.read_text() == wanted:
        return
    run([*UV, "venv", "--clear", "--python", sys.executable, str(VENV)], "Making the peers' environment")
    command = [*UV, "pip", "sync", "--python", str(VENV / "bin" / "python"), "--require-hashes"]
    command += ["--build-constraints", str(ROOT / "requirements.lock"), str(PEERS / "requirements.lock")]
    run(command, "Installing the peers")
    note.write_text(wanted)
