"""A Redis server for tests: a process of its own on a free port."""

import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import redis

from chassis.redis import OPTIONS, Client
from chassis.testing import until

# As the fleet's role for Redis gives them to a service.
COMMANDS = ["+@all", "-@admin", "-@dangerous", "+info"]


class RedisServer:
    """One redis-server, for as long as it is used as a context manager."""

    def __init__(self, *options):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._options = options

    def __enter__(self):
        if not shutil.which("redis-server"):
            raise RuntimeError("redis-server is missing: install it with `sudo apt-get install redis-server`.")
        self._folder = tempfile.TemporaryDirectory()
        self.start()
        return self

    def start(self):
        """Start it (again, after a test has killed `process`), empty."""
        folder = Path(self._folder.name)
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(folder)]
        # No snapshots, and no five seconds of waiting for further replicas.
        command += ["--save", "", "--repl-diskless-sync-delay", "0", *self._options]
        with (folder / "log").open("w") as log:
            self.process = subprocess.Popen(command, stdout=log)
        until(self._answers)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGCONT)  # one that a test has frozen can't end
        self.process.kill()
        self.process.wait()
        self._folder.cleanup()

    def _answers(self):
        with suppress(redis.RedisError), self.client() as client:
            return client.ping()

    def uri(self, user=None):
        return f"redis://{f'{user}:{user}@' if user else ''}127.0.0.1:{self.port}/0"

    def client(self, user=None, **options):
        return redis.Redis.from_url(self.uri(user), decode_responses=True, **options)

    def service_client(self, user=None, **options):
        """A client as `chassis.redis.Redis` gives one to a service."""
        return Client.from_url(self.uri(user), decode_responses=True, **{**OPTIONS, **options})

    def add_user(self, name, *patterns):
        """Add a user as the fleet has them: its password is its name, its keys are what the patterns say."""
        with self.client() as client:
            client.execute_command("ACL", "SETUSER", name, "reset", "on", f">{name}", *patterns, *COMMANDS)

    def replica(self):
        """Return another server, not started yet, that follows this one."""
        return RedisServer("--replicaof", "127.0.0.1", str(self.port))
