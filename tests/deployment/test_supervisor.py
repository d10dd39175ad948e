"""How the services' instances run on the app hosts: what supervisord, systemd and the kernel say of them."""

import re

import pytest
import yaml

from fleet import catalogue

pytestmark = pytest.mark.lab

# Asks the running supervisord, not its files, and the kernel for each process.
PROGRAMS = """
from pathlib import Path
from pwd import getpwuid
from xmlrpc.client import ServerProxy
from supervisor.xmlrpc import SupervisorTransport

server = ServerProxy("http://127.0.0.1", SupervisorTransport(None, None, "unix:///var/run/supervisor.sock"))
programs = {one["name"]: {"settings": one} for one in server.supervisor.getAllConfigInfo()}
for one in server.supervisor.getAllProcessInfo():
    process = Path(f"/proc/{one['pid']}")
    status = dict(line.split(":\\t", 1) for line in (process / "status").read_text().splitlines() if ":\\t" in line)
    user = getpwuid(int(status["Uid"].split()[0]))
    programs[one["name"]] |= {
        "state": one["statename"],
        "command": (process / "cmdline").read_text().split("\\0")[:-1],
        "user": user.pw_name, "uids": status["Uid"].split(), "groups": status["Groups"].split(),
        "shell": user.pw_shell, "capabilities": status["CapEff"],
    }
print(json.dumps(programs, default=str))
"""
PROGRAM = re.compile(r"(?P<service>[a-z0-9_]+)-(?P<release>.+)-(?P<slot>[ab])(?P<number>[0-9]+)")


@pytest.fixture(scope="module")
def services(inventory):
    """The catalogue with its defaults."""
    return catalogue.complete(inventory.variable("services", "app"))


@pytest.fixture(scope="module")
def programs(inventory, python_on):
    """App host to its programs by name."""
    return python_on(inventory.groups["app"], PROGRAMS)


@pytest.fixture(scope="module")
def every_program(programs):
    """(service, program) for each program of each host."""
    return [(PROGRAM.fullmatch(name)["service"], one) for host in programs.values() for name, one in host.items()]


def test_each_instance_is_a_program_of_its_own(services, programs):
    for host, found in programs.items():
        assert {one["state"] for one in found.values()} == {"RUNNING"}, host
        running = sorted((one["service"], one["release"], int(one["number"])) for one in map(PROGRAM.fullmatch, found))
        assert running == sorted(
            (service, entry["release"], number + 1)
            for service, entry in services.items()
            for number in range(entry["instances"])
        )


def test_each_service_runs_as_an_unprivileged_user_of_its_own(every_program):
    for service, one in every_program:
        assert one["user"] == f"fleet-{service}"
        assert len(set(one["uids"])) == 1
        assert "0" not in one["uids"] + one["groups"]
        assert one["shell"].endswith("/nologin")
        assert int(one["capabilities"], 16) == 0


def test_an_instance_has_time_to_finish_its_longest_call(services, every_program):
    for service, one in every_program:
        assert one["settings"]["stopwaitsecs"] > services[service]["call_timeout"]


def test_no_call_may_take_longer_than_the_catalogue_says(inventory, services, on_each):
    for service, entry in services.items():
        for out in on_each(inventory.groups["app"], f"cat /etc/fleet/{service}/*.yml").values():
            timeouts = re.findall(r"^RPC_TIMEOUT: (\d+)$", out, re.MULTILINE)
            assert timeouts == [str(entry["call_timeout"])] * entry["instances"]


def test_logs_are_rotated_before_they_fill_the_disk(every_program):
    for _, one in every_program:
        settings = one["settings"]
        assert settings["stdout_logfile"].startswith("/var/log/fleet/")
        assert 0 < settings["stdout_logfile_maxbytes"] <= 20 * 1024 * 1024
        assert 0 < settings["stdout_logfile_backups"] <= 3
        assert settings["redirect_stderr"] is True


def test_no_instance_outlives_its_supervisor(inventory, on_each):
    wanted = {"KillMode": "control-group", "RestartUSec": "1s", "Restart": "on-failure", "NeedDaemonReload": "no"}
    shown = on_each(inventory.groups["app"], f"systemctl show supervisor --property={','.join(wanted)},TimeoutStopUSec")
    for out in shown.values():
        properties = dict(line.split("=", 1) for line in out.splitlines())
        assert properties.items() >= wanted.items()
        assert properties["TimeoutStopUSec"] == "10min 20s"  # longer than any stopwaitsecs


def test_an_instance_is_what_its_configuration_says(inventory, services, programs, on_each):
    """Each configuration names its program, and the program runs with it."""
    files = on_each(inventory.groups["app"], "for file in /etc/fleet/*/*.yml; do echo '---'; cat $file; done")
    for host, text in files.items():
        configurations = {one["INSTANCE"]["id"]: one for one in yaml.safe_load_all(text) if one}
        assert configurations.keys() == {f"{name}@{host}" for name in programs[host]}
        for name, one in programs[host].items():
            service = PROGRAM.fullmatch(name)["service"]
            configuration = configurations[f"{name}@{host}"]
            assert f"/etc/fleet/{service}/{name}.yml" in one["command"]
            assert configuration["max_workers"] == services[service]["workers"]
            assert ("REDIS_URIS" in configuration) == bool(services[service]["redis"])
