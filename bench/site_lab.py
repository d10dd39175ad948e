"""Contestants on the lab's hosts: all processes on the first app host, behind its local balancer.

What is there is used as deployed: the balancer, the three RabbitMQ nodes, Redis with its replicas, our service's
release. Clients run on the first edge host, whose network the app hosts' firewalls let in. All that a run adds is
removed after it, and before it what a killed run has left.
"""

from __future__ import annotations

import io
import json
import secrets
import shlex
import subprocess
import tarfile
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import broker, cores, usage
from bench.contestants import PARTS, Contestant, Process, processes
from fleet import catalogue, inventory
from fleet.errors import FleetError
from fleet.instances import SLOT_PORTS
from fleet.paths import CACHE, CATALOGUE, INVENTORY, ROOT
from fleet.release import lock
from fleet.release.wheelhouse import Wheelhouse
from lab import Lab, LabError
from lab.cgroup import Group

PEERS = ROOT / "bench" / "peers"
LOAD = Path(__file__).with_name("load.py")
# Whose memory is of interest; the rest is Debian's.
UNITS = ("rabbitmq-server", "redis-server", "redis-sentinel", "haproxy", "keepalived", "supervisor", "bench-")
REDIS_DATABASE = 15  # apart from the fleet's own airports; no service's user is confined to one
USER = "nobody"

# The program as roles/nameko_service/templates/program.conf.j2 has it, in a supervisor of its own: what keeping the
# log costs is part of what a request costs as deployed.
SUPERVISOR = """\
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile={folder}/{name}.pid

[program:{name}]
command={command}
directory={directory}
autorestart=false
stopwaitsecs=20
stdout_logfile={log}
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=3
redirect_stderr=true
"""


class LabSite:
    """The lab's hosts, as a place to run contestants in; a context manager."""

    name = "lab"
    folder = "/run/bench"  # configurations and secrets
    installed = "/opt/bench"
    peers = f"{installed}/peers"

    def __init__(self, contestants):
        self._contestants = contestants
        self._lab = Lab.from_inventory(INVENTORY)
        content = inventory.load(INVENTORY)
        self._core, self._app, self._edge = (content.groups[group] for group in ("core", "app", "edge"))
        self._host, self._clients = self._app[0], self._edge[0]
        self._addresses = {name: content.hostvars[name]["ansible_host"] for name in content.hostvars}
        self._redis_admin = content.variable("secrets", "core")["redis"]["admin_password"]
        self.replicas = min(1, len(self._core) - 1)
        self._password = secrets.token_hex(20)
        self.redis_uri = f"redis://{broker.USER}:{self._password}@127.0.0.1:6379/{REDIS_DATABASE}"
        self._units = {}  # name of the part to the unit

    def __enter__(self):
        if down := [one.host for one in self._lab.status() if one.state != "up"]:
            raise FleetError(f"{', '.join(down)} of the lab is not up: type `make up`.")
        if confined := [host for host in (*self._app, *self._core) if cores.is_confined(Group(host))]:
            raise FleetError(
                f"{', '.join(confined)} run on a part of the cores, as a run with --apart that was killed leaves them: "
                "type `python -m lab down` and `make up`."
            )
        with ExitStack() as stack:
            stack.callback(self._clear)
            self._clear()
            self._install()
            broker.prepare(self._evaluate, self._contestants, self._password)
            rules = "~* resetchannels +@all -@admin -@dangerous +info"  # as services' users have
            self._redis(f"ACL SETUSER {broker.USER} reset on >{self._password} {rules}")
            stack.pop_all()
        return self

    def __exit__(self, *_):
        self._clear()

    @contextmanager
    def apart(self):
        """App hosts on one half of this machine's cores, core hosts on the other: as if they were machines apart."""
        with ExitStack() as stack:
            for hosts, half in zip((self._app, self._core), cores.halves(), strict=True):
                stack.enter_context(cores.confined(map(Group, hosts), half))
            yield

    def address(self, contestant: Contestant, part: str) -> str:
        """Where a part of a contestant listens: on a port of its service's that no instance of it has."""
        entry = catalogue.complete(catalogue.load(CATALOGUE))[PARTS[part]]
        # Clients come over the network, only the gateway from this host.
        host = self._addresses[self._host] if part == "gateway" else "127.0.0.1"
        return f"{host}:{spare_ports(entry)[self._contestants.index(contestant)]}"

    def amqp_uri(self, contestant: Contestant) -> str:
        return f"amqp://{broker.USER}:{self._password}@127.0.0.1:5672/{broker.vhost(contestant)}"

    def peer_program(self, name: str) -> str:
        return f"{self.installed}/venv/bin/{name}"

    def own_nameko(self, service: str, release: str) -> tuple[list[str], dict]:
        """The command `nameko` of our service's release as deployed, and what it needs in its environment."""
        program = f"/opt/fleet/{service}/{release}/venv/bin/nameko"
        if self._lab.exec(self._host, ["test", "-x", program], check=False).returncode:
            raise FleetError(f"{self._host} has no {service} {release}, which the catalogue names: type `make deploy`.")
        return [program], {}

    def start(self, contestant: Contestant) -> None:
        """Start a contestant's processes, each a unit of its own."""
        for part, process in processes(contestant, self).items():
            unit = f"bench-{contestant.name}-{part}"
            self._start(unit, process)
            self._units[f"{contestant.name}/{part}"] = unit

    def log(self, contestant: Contestant) -> str:
        """The last words of a contestant's processes."""
        logs = [f"{self.installed}/log/bench-{contestant.name}-{part}.log" for part in PARTS]
        return self._do(self._host, ["tail", "--lines=15", *logs])

    def generate(self, job: dict) -> dict:
        """Run the load generator where the clients are."""
        limit = job["seconds"] + job["warmup"] + 60
        return json.loads(self._do(self._clients, ["python3", "-c", LOAD.read_text()], json.dumps(job), timeout=limit))

    def usage(self) -> dict[str, float]:
        """CPU seconds used so far: by the broker, Redis, the balancer, and each part of each contestant."""
        core = [Group(host) for host in self._core]
        own = Group(self._host)
        return {
            "broker": sum(usage.of_unit(group, "rabbitmq-server") for group in core),
            "redis": sum(usage.of_unit(group, "redis-server") for group in core),
            "balancer": usage.of_unit(own, "haproxy"),
            **{name: usage.of_unit(own, unit) for name, unit in self._units.items()},
        }

    def memory(self) -> dict[str, int]:
        """Resident bytes of every process of the fleet, by host, unit and process."""
        found = {}
        for host in (*self._core, *self._app, *self._edge):
            sizes = usage.memory(Group(host))
            found |= {f"{host} {name}": size for name, size in sizes.items() if name.startswith(UNITS)}
        return found

    def queues(self, contestant: Contestant) -> dict[str, str]:
        return broker.queues(self._evaluate, contestant)

    def versions(self) -> dict[str, str]:
        """What the hosts run."""
        shown = ["dpkg-query", "--show", "--showformat=${Package} ${Version}\n"]
        said = self._do(self._core[0], [*shown, "rabbitmq-server", "redis-server"])
        said += self._do(self._host, [*shown, "haproxy", "python3"])
        return dict(line.split(" ") for line in said.splitlines())

    def _start(self, unit: str, process: Process) -> None:
        log = f"{self.installed}/log/{unit}.log"
        for path, content in process.files.items():
            self._write(path, content)
        self._write(f"{self.folder}/{unit}.env", "".join(f"{k}={v}\n" for k, v in process.environment.items()))
        command = process.command
        if process.supervised:
            path = f"{self.folder}/{unit}.conf"
            text = SUPERVISOR.format(
                name=unit, folder=self.folder, directory=process.folder, command=shlex.join(command), log=log
            )
            self._write(path, text)
            command = ["/usr/bin/supervisord", "--configuration", path]
        properties = {
            "User": USER,
            "WorkingDirectory": process.folder,
            "EnvironmentFile": f"{self.folder}/{unit}.env",
            "StandardOutput": f"append:{log}.out" if process.supervised else f"append:{log}",
            "StandardError": f"append:{log}.out" if process.supervised else f"append:{log}",
            "TimeoutStopSec": "25s",
        }
        options = [f"--property={name}={value}" for name, value in properties.items()]
        self._do(self._host, ["systemd-run", "--quiet", "--collect", f"--unit={unit}", *options, "--", *command])

    def _install(self) -> None:
        """The peers' packages in an environment of their own, from wheels that come along: hosts have no index."""
        wheels = Wheelhouse(CACHE / "wheelhouse").provide(lock.read(PEERS / "requirements.lock"))
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for wheel in wheels:
                tar.add(wheel, f"wheels/{wheel.name}")
            for folder in ("stock", "aio"):
                tar.add(PEERS / folder, f"peers/{folder}", filter=_no_bytecode)
        self._do(self._host, ["mkdir", "-p", self.installed])
        unpack = ["tar", "--extract", "--no-same-owner", f"--directory={self.installed}"]
        self._lab.exec(self._host, unpack, input=archive.getvalue(), check=True, capture_output=True)
        uv = ["/opt/fleet/bin/uv", "--no-config", "--no-cache", "--offline", "--quiet"]
        self._do(self._host, [*uv, "venv", "--python", "/usr/bin/python3", f"{self.installed}/venv"])
        install = [*uv, "pip", "install", "--no-index", "--no-deps", "--compile-bytecode"]
        files = [f"{self.installed}/wheels/{wheel.name}" for wheel in wheels]
        self._do(self._host, [*install, "--python", self.peer_program("python"), *files])
        self._do(self._host, ["install", "-d", "-o", USER, "-m", "0700", self.folder, f"{self.installed}/log"])

    def _clear(self) -> None:
        """Remove all that a run has made. Every step is tried, whatever became of the others."""
        with ExitStack() as stack:
            stack.callback(self._do, self._host, ["rm", "-rf", self.installed, self.folder])
            stack.callback(self._redis, f"ACL DELUSER {broker.USER}")
            # Replicas refuse it and follow the primary.
            stack.callback(self._redis, f"SELECT {REDIS_DATABASE}\nFLUSHDB ASYNC", may_fail="READONLY")
            stack.callback(broker.clear, self._evaluate)
            stack.callback(self._do, self._host, ["systemctl", "stop", "bench-*.service"])
        self._units.clear()

    def _write(self, path: str, content: str) -> None:
        self._do(self._host, ["install", "-o", USER, "-m", "0400", "/dev/stdin", path], content)

    def _evaluate(self, expression: str) -> str:
        # Without the expression as an argument rabbitmqctl reads it.
        return self._do(self._core[0], ["rabbitmqctl", "eval"], f"{expression}.", timeout=120)

    def _redis(self, commands: str, may_fail: str = "") -> None:
        """Run commands as the administrator on every Redis server; they come on standard input, passwords included."""
        for host in self._core:
            text = f"AUTH admin {self._redis_admin}\n{commands}\n"
            for line in self._do(host, ["redis-cli", "-h", self._addresses[host]], text).splitlines():
                # Anything but what the commands here answer when they did what they should.
                if not (line in ("", "OK") or line.isdigit() or (may_fail and may_fail in line)):
                    raise FleetError(f"Redis on {host} refuses what the bench needs: {line}")

    def _do(self, host: str, command: list[str], text: str = "", timeout: float = 60) -> str:
        try:
            done = self._lab.exec(
                host, command, input=text, capture_output=True, text=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired:
            raise LabError(f"{command[0]} on {host} took more than {timeout:.0f} s.") from None
        if done.returncode:
            raise LabError(f"{command[0]} on {host} failed: {(done.stderr or done.stdout).strip()[-500:]}")
        return done.stdout


def spare_ports(entry: dict) -> list[int]:
    """The ports of a service that none of its instances has, in neither slot."""
    return [entry["port"] + one for one in range(catalogue.PORTS) if one % SLOT_PORTS >= entry["instances"]]


def _no_bytecode(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if "__pycache__" in info.name else info
