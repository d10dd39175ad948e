"""A controller that dies in a roll leaves a fleet that serves, and the same command finishes."""

import json

import pytest

from fleet.catalogue import load as load_catalogue
from fleet.paths import CATALOGUE
from tests.conftest import kill_playbook
from tests.load import Load

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("home_again")]

WANTED = {"service": "greeting", "release": "2.0.0"}


@pytest.fixture
def kill_at(begun_playbook):
    """`kill_at(task, playbook)` kills the controller of a run at a task, once `meanwhile()` is done; what that gave."""

    def kill(task, playbook, meanwhile=lambda: None, **extra):
        with begun_playbook(playbook, "--extra-vars", json.dumps({"rollout_bake": 0, **extra})) as process:
            try:
                # Ansible names a task with its first result, or with the first try that it repeats.
                assert any(task in line for line in process.stdout), f"{playbook} never came to {task}"
                return meanwhile()
            finally:
                kill_playbook(process)

    return kill


@pytest.fixture
def home_again(at_home):
    """The fleet is back at what it ran before, afterwards."""
    yield
    at_home()


@pytest.fixture
def killed(kill_at, second, on_each, app_hosts):
    """`killed(task)`: `kill_at` in a roll of greeting."""

    def kill(task, meanwhile=lambda: None, **more):
        second("greeting")
        on_each(app_hosts, "rm -rf /opt/fleet/greeting/2.0.0")  # so that it is uploaded
        return kill_at(task, "rollout.yml", meanwhile, **WANTED, **more)

    return kill


def test_a_second_roll_is_refused_the_fleet_serves_on_and_the_same_command_finishes(
    killed, roll, playbook, base_url, running
):
    with Load(base_url) as load:
        second_roll = killed(
            "As long as the bake takes", lambda: roll("rollback", service="greeting", rollout_bake=0), rollout_bake=300
        )
        shown = playbook("status.yml")
        other = roll("rollout", service="trips", plan_only=True)
        again = roll("rollout", **WANTED, rollout_bake=0)
    assert second_roll.status != 0
    assert "has been changing the fleet with `greeting 1.0.0 -> 2.0.0`" in second_roll.text
    assert "nothing was changed" in second_roll.text
    assert shown.status != 0
    assert "was interrupted" in shown.text
    assert other.status != 0
    assert "is unfinished, and this is another" in other.text
    again.check()
    assert not load.failures
    assert not load.lost()
    assert all("-2.0.0-" in program for there in running("greeting").values() for program in there)
    assert load_catalogue(CATALOGUE)["greeting"]["release"] == "2.0.0"


@pytest.mark.long
@pytest.mark.parametrize(
    "task",
    [
        "Lock",
        "Write it",
        "nameko_service : Upload greeting-2.0.0",
        "nameko_service : Start them",
        "nameko_service : Each answers the release's smoke calls, by its own id, and lives",
        "nameko_service : They may take calls",
        "nameko_service : They have finished what they took",
        "nameko_service : They end",
        "Unlock",
    ],
)
def test_it_may_be_killed_at_any_step(task, killed, roll, base_url, running):
    with Load(base_url) as load:
        killed(task)
        roll("rollout", **WANTED, rollout_bake=0).check()
    assert not load.failures
    assert not load.lost()
    assert all("-2.0.0-" in program for there in running("greeting").values() for program in there)
    assert load_catalogue(CATALOGUE)["greeting"]["release"] == "2.0.0"


@pytest.mark.long
@pytest.mark.parametrize("task", ["Write it", "nameko_service : They end"])
def test_so_may_its_abort(task, killed, kill_at, roll, base_url, running):
    with Load(base_url) as load:
        killed("As long as the bake takes", rollout_bake=300)
        kill_at(task, "abort.yml")
        roll("abort").check()
    assert not load.failures
    assert not load.lost()
    assert all("-1.0.0-" in program for there in running("greeting").values() for program in there)
    assert load_catalogue(CATALOGUE)["greeting"]["release"] == "1.0.0"


@pytest.mark.long
def test_and_the_promotion_of_its_canary(second, kill_at, roll, base_url, running):
    second("greeting")
    with Load(base_url) as load:
        roll("rollout", **WANTED, canary="25%").check()
        kill_at("nameko_service : They end", "promote.yml")
        roll("promote").check()
    assert not load.failures
    assert not load.lost()
    assert all("-2.0.0-" in program for there in running("greeting").values() for program in there)
