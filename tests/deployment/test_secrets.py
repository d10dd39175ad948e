"""Where the fleet's passwords must not be, however long one looks."""

import pytest

pytestmark = pytest.mark.lab

# Each prints where it found a secret, without the secret.
COMMAND_LINES_AND_ENVIRONMENTS = """
from pathlib import Path

found = []
for process in Path("/proc").glob("[0-9]*"):
    for name in ("cmdline", "environ"):
        try:
            content = (process / name).read_bytes()
        except OSError:  # it has ended, or is the kernel's
            continue
        if any(secret.encode() in content for secret in given):
            found.append(f"{name} of {content.split(bytes(1))[0].decode(errors='replace')}")
print(json.dumps(found))
"""

LOGS = """
import subprocess
from pathlib import Path

found = []
for path in Path("/var/log").rglob("*"):
    if path.is_file() and "journal" not in path.parts:
        content = path.read_bytes()
        if any(secret.encode() in content for secret in given):
            found.append(str(path))
everything = ["journalctl", "--quiet", "--no-pager", "--all", "--output=export"]
with subprocess.Popen(everything, stdout=subprocess.PIPE) as journal:
    unit = b"?"
    for line in journal.stdout:
        if line.startswith((b"_SYSTEMD_UNIT=", b"SYSLOG_IDENTIFIER=")):
            unit = line.strip()
        if any(secret.encode() in line for secret in given):
            found.append(f"the journal near {unit.decode(errors='replace')}")
print(json.dumps(found))
"""

PLACES = ["/etc", "/var/cache/fleet", "/var/lib", "/var/log", "/run", "/tmp", "/root", "/home"]  # noqa: S108 - searched, not used

# What each of some users can read.
READABLE = """
import subprocess

found = {}
for user in USERS:
    grep = ["grep", "-rsl", "--devices=skip", "--fixed-strings", "--file=-"]
    command = ["runuser", "-u", user, "--", "env", "LC_ALL=C", *grep, *PLACES]
    done = subprocess.run(command, input="\\n".join(given), capture_output=True, text=True)
    found[user] = done.stdout.splitlines()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def hosts(inventory):
    """All of them."""
    return list(inventory.hostvars)


def test_no_process_has_a_secret_on_its_command_line_or_in_its_environment(hosts, python_on, secret_values):
    found = python_on(hosts, COMMAND_LINES_AND_ENVIRONMENTS, secret_values)
    assert found == {host: [] for host in hosts}


def test_no_log_has_a_secret(hosts, python_on, secret_values):
    assert python_on(hosts, LOGS, secret_values) == {host: [] for host in hosts}


def test_a_user_without_rights_reads_no_secret(hosts, python_on, secret_values):
    found = python_on(hosts, f"USERS = ['nobody']; PLACES = {[*PLACES, '/opt/fleet']}\n{READABLE}", secret_values)
    assert found == {host: {"nobody": []} for host in hosts}


def test_a_service_reads_no_secrets_but_its_own(inventory, python_on, secret_values):
    """And those it does read, for otherwise the search itself would be blind."""
    hosts, services = inventory.groups["app"], inventory.variable("services", "app")
    users = [f"fleet-{service}" for service in services]
    for found in python_on(hosts, f"USERS = {users}; PLACES = {PLACES}\n{READABLE}", secret_values).values():
        for service in services:
            files = found[f"fleet-{service}"]
            assert files
            assert all(path.startswith(f"/etc/fleet/{service}/") for path in files), files
