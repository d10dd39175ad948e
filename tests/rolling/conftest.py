"""What the tests of rolls share: releases to roll to, the roll itself, and what the fleet did meanwhile."""

import json
import shutil

import pytest
import yaml

from fleet.paths import CATALOGUE
from tests.releases import build


@pytest.fixture(scope="session")
def at_first():
    """The services of the catalogue as it was before any roll."""
    return yaml.safe_load(CATALOGUE.read_text())["services"]


@pytest.fixture(scope="session")
def second(tmp_path_factory):
    """`second(service)` builds its release 2.0.0, which answers as 1.0.0 does but for the greeting; gone afterwards."""
    made = {}

    def make(service):
        if service not in made:
            changes = []
            if service == "greeting":
                changes = [(f"src/greeting/{name}.py", "Hello, ", "Salut, ") for name in ("service", "smoke")]
            made[service] = build(tmp_path_factory.mktemp(service), service, "2.0.0", *changes)
        return "2.0.0"

    yield make
    for folder in made.values():
        shutil.rmtree(folder)


@pytest.fixture
def bad(tmp_path, on_each, app_hosts):
    """`bad(*changes)` builds greeting 3.0.0 with something wrong with it; gone afterwards, from the hosts too."""
    made = []

    def make(*changes):
        made.append(build(tmp_path / "greeting", "greeting", "3.0.0", *changes))
        return "3.0.0"

    yield make
    for folder in made:
        shutil.rmtree(folder)
    # The next one of that version has other content.
    on_each(app_hosts, "rm -rf /opt/fleet/greeting/3.0.0")


@pytest.fixture(scope="session")
def roll(playbook):
    """`roll("rollout", service="greeting", release="2.0.0")` runs a playbook; the Run."""

    def run(kind, **wanted):
        return playbook(f"{kind}.yml", "--extra-vars", json.dumps({"rollout_bake": 5, **wanted}))

    return run


@pytest.fixture(scope="session")
def at_home(playbook, at_first):
    """`at_home()` has every service back at what the catalogue said at first, and the catalogue too."""
    text = CATALOGUE.read_text()

    def go():
        CATALOGUE.write_text(text)
        playbook("rollout.yml", "--extra-vars", f"service={','.join(at_first)}").check()

    return go


@pytest.fixture(scope="session")
def app_hosts(inventory):
    """The app hosts' names."""
    return inventory.groups["app"]


EXECUTIONS = """
import glob
found = []
for path in glob.glob("/var/log/fleet/*.log*"):
    for line in open(path, encoding="utf-8", errors="replace"):
        if '"event": "call"' in line:
            entry = json.loads(line)
            found.append([entry["service"] + "." + entry["method"], entry["call_id"], entry["release"], entry["time"]])
print(json.dumps([one for one in found if one[3] >= given]))
"""


@pytest.fixture(scope="session")
def executions(python_on, app_hosts):
    """`executions(since)`: each execution of a call on any host, as method, call id, release and time."""

    def ask(since):
        by_host = python_on(app_hosts, EXECUTIONS, since)
        return [one for found in by_host.values() for one in found]

    return ask


@pytest.fixture(scope="session")
def running(on_each, app_hosts):
    """`running(service)`: by host, its programs that supervisor runs."""

    def ask(service):
        shown = on_each(app_hosts, f"supervisorctl status | grep ^{service}- || true")
        return {host: sorted(line.split()[0] for line in out.splitlines()) for host, out in shown.items()}

    return ask


@pytest.fixture(scope="session")
def states(on_each, app_hosts):
    """`states(service)`: by program and host, what the instance should be."""

    def ask(service):
        shown = on_each(app_hosts, f"cd /var/lib/fleet/instances && grep -H . {service}-*.state || true")
        pairs = [(host, line.partition(":")) for host, out in shown.items() for line in out.splitlines()]
        return {f"{name.removesuffix('.state')}@{host}": state for host, (name, _, state) in pairs}

    return ask


@pytest.fixture(scope="session")
def pids(on_each, app_hosts, await_condition):
    """`pids(service)`: by program and host, its process id, when all run."""

    def look(service):
        shown = on_each(app_hosts, f"supervisorctl status | grep ^{service}- || true")
        lines = [(host, line.split()) for host, out in shown.items() for line in out.splitlines()]
        running = all(words[1] == "RUNNING" for _, words in lines)
        return running and {f"{words[0]}@{host}": words[3].rstrip(",") for host, words in lines}

    return lambda service: await_condition(lambda: look(service), 60, f"all instances of {service} run")
