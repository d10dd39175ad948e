"""What the tests on the lab share: the hosts, the fleet on them as `make up` leaves it, and ways to ask and wait."""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from fleet import inventory as inventories
from fleet import url
from fleet.paths import INVENTORY
from lab import Lab

REPOSITORY = Path(__file__).parents[1]
RECAP = re.compile(r"^(?P<host>\S+)\s+: ok=(?P<ok>\d+)\s+changed=(?P<changed>\d+)\s+unreachable=\d+\s+failed=\d+")


@dataclass(frozen=True)
class Run:
    """How an ansible-playbook ended: its status, what it printed, and the number of changes by host."""

    status: int
    output: str

    @property
    def changed(self):
        recap = map(RECAP.match, self.output.splitlines())
        return {line["host"]: int(line["changed"]) for line in recap if line}

    def check(self):
        """Fail the test with the output's end unless the run ended well."""
        assert self.status == 0, self.output[-6000:]
        return self


def run_playbook(playbook, *arguments, inventory=INVENTORY):
    """Run a playbook as `make deploy` does and return the Run; it has 15 minutes."""
    plugins = Path(sys.prefix).glob("lib/python3*/site-packages/ansible_mitogen/plugins/strategy")
    environment = os.environ | {"ANSIBLE_STRATEGY": "mitogen_linear", "ANSIBLE_STRATEGY_PLUGINS": str(next(plugins))}
    program = Path(sys.executable).with_name("ansible-playbook")
    command = [program, "--inventory", inventory, REPOSITORY / "playbooks" / playbook, *arguments]
    finished = subprocess.run(
        list(map(str, command)),
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    return Run(finished.returncode, finished.stdout + finished.stderr)


def eventually(condition, seconds, what):
    """Ask `condition` until it returns something true, and return that; fail after `seconds` saying `what` was awaited.

    An assertion, an HTTP error or a failed command inside the condition counts as not yet.
    """
    deadline = time.monotonic() + seconds
    while True:
        reason = None
        try:
            if result := condition():
                return result
        except (AssertionError, requests.RequestException, subprocess.SubprocessError) as error:
            reason = error
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what} ({reason})")
        time.sleep(0.2)


@pytest.fixture(scope="session")
def playbook():
    """`run_playbook`, for tests that deploy."""
    return run_playbook


@pytest.fixture(scope="session")
def await_condition():
    """`eventually`, for tests that wait."""
    return eventually


@pytest.fixture(scope="session")
def inventory():
    """What the lab's inventory says (a fleet.inventory.Inventory)."""
    return inventories.load(INVENTORY)


@pytest.fixture(scope="session")
def lab():
    """The lab's eight hosts, with the fleet on them."""
    return Lab.from_inventory(INVENTORY)


@pytest.fixture(scope="session")
def base_url(inventory):
    """Where the application answers: the virtual IP."""
    return url.base_url(inventory)


@pytest.fixture
def on(lab):
    """`on(host, command)` runs a shell command as root on a host and returns what it prints; a failure raises."""

    def run(host, command):
        done = lab.exec(host, ["sh", "-c", command], capture_output=True, text=True, timeout=60, check=True)
        return done.stdout

    return run
