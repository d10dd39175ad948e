"""What the tests of the deployed fleet share: asking many hosts at once, and its passwords."""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.deployment.api import Api


@pytest.fixture(scope="session")
def passwords(inventory):
    """The `secrets` of the lab's inventory."""
    return inventory.variable("secrets", "app")


@pytest.fixture(scope="session")
def secret_values(passwords):
    """Every value among the lab's secrets, each long enough to be found nowhere by chance."""

    def values(part):
        return [text for one in part.values() for text in (values(one) if isinstance(one, Mapping) else [str(one)])]

    found = values(passwords)
    weak = sum(len(value) < 20 for value in found)
    assert not weak, (
        f"{weak} of the lab's secrets were made by hand: delete their file, then type `make secrets deploy`"
    )
    return found


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


@pytest.fixture
def api(base_url):
    """The API; what a test creates through `airport` and `trip` is deleted after it."""
    api = Api(base_url)
    yield api
    api.forget()
