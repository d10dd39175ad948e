"""The tunnel to the broker, with a program in ssh's place and a broker that only greets."""

import os
import socket
import sys
from pathlib import Path

import pytest

from fleet import tunnel
from fleet.errors import FleetError
from fleet.inventory import Inventory

# Does what ssh would: refuses, or listens on the port that -L names and passes bytes on, until its input ends.
FAKE_SSH = """#!{python}
import os, select, socket, sys
log = os.environ["FAKE_SSH_LOG"]
host = sys.argv[-2]
if host == "silent":
    sys.exit("ssh: connect to host silent port 22: Connection timed out")
_, port, _, _ = sys.argv[sys.argv.index("-L") + 1].split(":")
with open(log, "a") as file:
    print(f"{{host}} started", file=file)
server = socket.create_server(("127.0.0.1", int(port)))
while True:
    ready, _, _ = select.select([server, sys.stdin], [], [])
    if sys.stdin in ready:
        break
    client, _ = server.accept()
    with client:
        client.recv(8)
        if host != "dead":
            client.sendall(b"\\x01")
with open(log, "a") as file:
    print(f"{{host}} ended", file=file)
"""


@pytest.fixture
def log(tmp_path, monkeypatch):
    """What the fake ssh notes."""
    program = tmp_path / "bin" / "ssh"
    program.parent.mkdir()
    program.write_text(FAKE_SSH.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_SSH_LOG", str(tmp_path / "log"))
    return tmp_path / "log"


def inventory(*hosts, secrets=True):
    variables = {"secrets": {"rabbitmq": {"operator_password": "p/w"}}} if secrets else {}
    return Inventory(
        path=Path("lab.yml"), groups={"app": list(hosts)}, hostvars={host: dict(variables) for host in hosts}
    )


@pytest.mark.usefixtures("log")
def test_the_uri_leads_to_the_broker_while_the_context_lasts():
    with tunnel.amqp(inventory("app1")) as uri:
        assert uri.startswith("amqp://operator:p%2Fw@127.0.0.1:")
        port = int(uri.rstrip("/").rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"AMQP\x00\x00\x09\x01")
            assert connection.recv(1) == b"\x01"

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_host_that_does_not_answer_is_passed_over(log):
    with tunnel.amqp(inventory("silent", "dead", "app3")):
        assert [line for line in log.read_text().splitlines() if "started" in line] == ["dead started", "app3 started"]


@pytest.mark.usefixtures("log")
def test_that_none_leads_to_a_broker_is_told_with_the_reasons():
    with pytest.raises(FleetError) as refused, tunnel.amqp(inventory("silent", "dead")):
        pass

    assert str(refused.value) == (
        "No app host leads to a broker (silent: ssh: connect to host silent port 22: Connection timed out; "
        "dead: its balancer has no live broker): `make status` shows why."
    )


def test_a_missing_password_is_told(log):
    with pytest.raises(FleetError, match=r"secrets\.rabbitmq\.operator_password is missing: type `make secrets`"):
        tunnel.amqp(inventory("app1", secrets=False)).__enter__()

    assert not log.exists()


@pytest.mark.usefixtures("log")
def test_the_tunnel_ends_with_a_context_that_fails():
    with pytest.raises(RuntimeError), tunnel.amqp(inventory("app1")) as uri:
        raise RuntimeError

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(uri.rstrip("/").rpartition(":")[2])))


def test_ssh_is_called_as_ansible_would():
    variables = {
        "ansible_host": "10.77.0.21",
        "ansible_user": "root",
        "ansible_port": 2222,
        "ansible_ssh_private_key_file": "/keys/id",
        "ansible_ssh_common_args": "-o 'ProxyCommand=ssh -W %h:%p gate' -o UserKnownHostsFile=/known",
    }

    command = tunnel.ssh_command("app1", variables)

    assert command[0] == "ssh"
    assert command[-1] == "10.77.0.21"
    assert command[command.index("UserKnownHostsFile=/known") - 1] == "-o"
    for option in (
        "User=root",
        "Port=2222",
        "IdentityFile=/keys/id",
        "ProxyCommand=ssh -W %h:%p gate",
        "BatchMode=yes",
    ):
        assert option in command


def test_a_host_without_variables_is_left_to_ssh():
    assert tunnel.ssh_command("app1", {})[-1] == "app1"
