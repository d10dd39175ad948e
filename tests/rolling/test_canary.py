"""A canary stays beside the old until somebody says more."""

import pytest

from tests.load import Load

pytestmark = pytest.mark.lab

WANTED = {"service": "greeting", "release": "2.0.0"}


@pytest.fixture
def canary(roll, second, at_home, base_url):
    """Greeting 2.0.0 at its canary under load: the Run and the Load."""
    second("greeting")
    with Load(base_url) as load:
        run = roll("rollout", **WANTED, canary="25%").check()
        yield run, load
    roll("abort")  # where the test ended before it
    at_home()


def test_it_takes_its_share_until_it_is_aborted_and_then_all_is_as_it_was(canary, roll, playbook, running, pids):
    run, load = canary
    assert "`make promote` goes on" in run.text
    there = running("greeting")
    assert [len(programs) for programs in there.values()] == [4, 2, 2]
    old = {name: pid for name, pid in pids("greeting").items() if "-1.0.0-" in name}
    playbook("status.yml").check()
    other = roll("rollout", service="trips", plan_only=True)
    assert other.status != 0
    assert "stands at its canary" in other.text
    roll("abort").check()
    assert pids("greeting") == old
    assert set(load.greetings) == {"Hello, NAME!", "Salut, NAME!"}
    assert not load.failures


@pytest.mark.long
def test_it_is_promoted(canary, roll, running):
    _, load = canary
    roll("promote").check()
    assert all("-2.0.0-" in program for there in running("greeting").values() for program in there)
    assert not load.failures
    assert not load.lost()
