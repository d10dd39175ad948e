"""What the tests on the lab share: the hosts, the fleet on them as `make up` leaves it, and ways to ask and wait."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
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

    @property
    def text(self):
        """What it printed as one line, for Ansible breaks sentences anywhere."""
        return " ".join(self.output.split())

    def check(self):
        """Fail the test with the output's end unless the run ended well."""
        assert self.status == 0, self.output[-6000:]
        return self


def start_playbook(playbook, *arguments, inventory=INVENTORY):
    """Start a playbook as `make deploy` does, in a session of its own; its output comes as text through `stdout`.

    Unless the arguments say otherwise it compares no canary with the old, which takes as long as it is told to, and may
    go back to what the fleet has left behind, as tests do that clean up after them.
    """
    plugins = Path(sys.prefix).glob("lib/python3*/site-packages/ansible_mitogen/plugins/strategy")
    environment = os.environ | {"ANSIBLE_STRATEGY": "mitogen_linear", "ANSIBLE_STRATEGY_PLUGINS": str(next(plugins))}
    program = Path(sys.executable).with_name("ansible-playbook")
    usual = {"rollout_bake": 0, "allow_older": "airports,farewell,gateway,greeting,trips"}
    usual |= {"mitogen_ssh_keepalive_interval": 5, "mitogen_ssh_keepalive_count": 6}
    usual = ["--extra-vars", json.dumps(usual)]
    command = [program, "--inventory", inventory, REPOSITORY / "playbooks" / playbook, *usual, *arguments]
    return subprocess.Popen(
        list(map(str, command)),
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def kill_playbook(process):
    """Kill a playbook at once, and what it has started: Ansible's workers have sessions of their own."""
    children = {}
    for line in subprocess.run(
        ["ps", "-eo", "ppid=,pid="], capture_output=True, text=True, check=True
    ).stdout.splitlines():
        parent, child = map(int, line.split())
        children.setdefault(parent, []).append(child)
    doomed = [process.pid]
    for pid in doomed:
        doomed += children.get(pid, [])
    for pid in doomed:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def run_playbook(playbook, *arguments, inventory=INVENTORY):
    """Run a playbook to its end, for which it has 15 minutes, and return the Run."""
    with start_playbook(playbook, *arguments, inventory=inventory) as process:
        try:
            output, _ = process.communicate(timeout=900)
        except BaseException:
            kill_playbook(process)
            raise
    return Run(process.returncode, output)


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
def begun_playbook():
    """`start_playbook`, for tests that do something meanwhile."""
    return start_playbook


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


@pytest.fixture(scope="session")
def on_each(lab):
    """`on_each(hosts, command)` runs a shell command as root on hosts at the same time: host to what it printed.

    With `given`, the command has that on its standard input. A failure raises.
    """

    def run_on(hosts, command, given=None):
        def run(host):
            argv = ["sh", "-c", command]
            return lab.exec(host, argv, input=given, capture_output=True, text=True, timeout=120, check=True).stdout

        with ThreadPoolExecutor(len(hosts)) as pool:
            return dict(zip(hosts, pool.map(run, hosts), strict=True))

    return run_on


@pytest.fixture(scope="session")
def python_on(on_each):
    """`python_on(hosts, program, given)` runs a Python program on hosts: host to the JSON that it printed.

    It finds `given` in its variable of that name.
    """

    def run_on(hosts, program, given=None):
        # Nothing of it is on a command line, for there may be secrets in it.
        whole = f"import json\ngiven = json.loads({json.dumps(json.dumps(given))})\n{program}"
        return {host: json.loads(out) for host, out in on_each(hosts, "exec python3 -", whole).items()}

    return run_on
