"""A way from the controller to the fleet's broker, through an app host and its local balancer."""

from __future__ import annotations

import shlex
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote

from fleet.errors import FleetError
from fleet.inventory import Inventory
from fleet.translate import OPERATOR

BROKER = "127.0.0.1:5672"  # the local balancer on an app host
SECONDS = 10  # until a tunnel must stand; ssh gives a silent host up after 5
_GREETING = b"AMQP\x00\x00\x09\x01"  # what a client of AMQP 0-9-1 says first


@contextmanager
def amqp(inventory: Inventory) -> Iterator[str]:
    """The operator's AMQP URI, good within the context: its port is forwarded to a broker of the fleet.

    Raises:
        FleetError: no app host leads to a broker, or the operator's password isn't in the inventory.
    """
    secrets = inventory.variable("secrets", "app") or {}
    password = secrets.get("rabbitmq", {}).get("operator_password")
    if not password:
        raise FleetError(
            "The secret secrets.rabbitmq.operator_password is missing: type `make secrets`, then `make deploy`."
        )
    with _forwarded(inventory) as port:
        yield f"amqp://{OPERATOR}:{quote(password, safe='')}@127.0.0.1:{port}/"


def ssh_command(name: str, variables: Mapping) -> list[str]:
    """How Ansible would call ssh for a host, up to and with its address."""
    command = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5"]
    if user := variables.get("ansible_user"):
        command += ["-o", f"User={user}"]
    if port := variables.get("ansible_port"):
        command += ["-o", f"Port={port}"]
    if key := variables.get("ansible_ssh_private_key_file"):
        command += ["-o", f"IdentityFile={key}"]
    for option in ("ansible_ssh_common_args", "ansible_ssh_extra_args"):
        command += shlex.split(variables.get(option, ""))
    return [*command, variables.get("ansible_host", name)]


@contextmanager
def _forwarded(inventory: Inventory) -> Iterator[int]:
    """A local port behind which a broker answers, through the first app host that leads to one."""
    reasons = []
    for host in inventory.groups.get("app", []):
        port = _free_port()
        # A shared connection would outlive this process with the port still forwarded.
        options = ["-o", "ControlPath=none", "-o", "ExitOnForwardFailure=yes", "-L", f"127.0.0.1:{port}:{BROKER}"]
        program, *arguments = ssh_command(host, inventory.hostvars[host])
        # `cat` ends with its input, and so with this process however that ends: no tunnel is left behind. In a
        # session of its own, so that Ctrl-C in a shell cancels a call there and not the tunnel.
        process = subprocess.Popen(
            [program, *options, *arguments, "cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            reason = _wait_for_broker(process, port)
            if reason is None:
                yield port
                return
            reasons.append(f"{host}: {reason}")
        finally:
            process.terminate()
            process.communicate()
    raise FleetError(
        f"No app host leads to a broker ({'; '.join(reasons) or 'there is none'}): `make status` shows why."
    )


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def _wait_for_broker(process: subprocess.Popen, port: int) -> str | None:
    """Wait until the broker greets; else the reason why it doesn't."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return process.stderr.read().strip().replace("\n", " ") or f"ssh ended with status {process.returncode}"
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as connection:
                connection.sendall(_GREETING)
                return None if connection.recv(1) else "its balancer has no live broker"
        except ConnectionRefusedError:
            time.sleep(0.05)  # ssh doesn't say when it has begun to listen
        except OSError as error:
            return str(error)
    return f"no tunnel within {SECONDS} s"
