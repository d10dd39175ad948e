"""A controller that dies in a roll leaves a fleet that serves, and the same command finishes."""

import json

import pytest

from fleet.catalogue import load as load_catalogue
from fleet.paths import CATALOGUE
from tests.conftest import kill_playbook
from tests.load import Load

pytestmark = pytest.mark.lab

WANTED = {"service": "greeting", "release": "2.0.0"}


@pytest.fixture
def killed(begun_playbook, second, at_home, on_each, app_hosts):
    """`killed(task, meanwhile)`: a roll of greeting whose controller is killed at a task, once `meanwhile` is done."""

    def kill(task, meanwhile, **more):
        second("greeting")
        on_each(app_hosts, "rm -rf /opt/fleet/greeting/2.0.0")  # so that it is uploaded
        extra = json.dumps({"rollout_bake": 0, **WANTED, **more})
        with begun_playbook("rollout.yml", "--extra-vars", extra) as process:
            try:
                # Ansible names a task with its first result, or with the first try that it repeats.
                assert any(task in line for line in process.stdout), f"the roll never came to {task}"
                return meanwhile()
            finally:
                kill_playbook(process)

    yield kill
    at_home()


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
    ["Lock", "Write it", "Upload greeting-2.0.0", "Start them", "They may take calls", "They end", "Unlock"],
)
def test_it_may_be_killed_at_any_step(task, killed, roll, base_url, running):
    with Load(base_url) as load:
        killed(f"nameko_service : {task}" if task not in ("Lock", "Write it", "Unlock") else task, lambda: None)
        roll("rollout", **WANTED, rollout_bake=0).check()
    assert not load.failures
    assert not load.lost()
    assert all("-2.0.0-" in program for there in running("greeting").values() for program in there)
    assert load_catalogue(CATALOGUE)["greeting"]["release"] == "2.0.0"
