"""Who else is at work is respected by everything that would change the fleet."""

import json
import time

import pytest

pytestmark = pytest.mark.lab

RECORD = "/var/lib/fleet/record"


@pytest.fixture
def held(inventory, on_each):
    """The fleet's lock is held from another machine."""
    now = int(time.time())
    lock = {"token": "0" * 32, "who": "ops@elsewhere", "what": "make rollout", "since": now, "until": now + 3600}
    lock |= {"controller": "another machine", "pid": 1, "process_started": 1}
    on_each(inventory.groups["core"], f"echo '{json.dumps(lock)}' >{RECORD}/lock.json")
    yield
    on_each(inventory.groups["core"], f"rm -f {RECORD}/lock.json")


@pytest.mark.usefixtures("held")
def test_the_lock_of_another_machine_stands_until_it_is_taken_by_force(second, roll, playbook, pids, on):
    wanted = {"service": "greeting", "release": second("greeting")}
    before = pids("greeting"), on("core1", f"cat {RECORD}/record.json")
    refused = roll("rollout", **wanted)
    plan = roll("rollout", **wanted, plan_only=True)
    looked = playbook("rollout.yml", "--check", "--extra-vars", json.dumps(wanted))
    asked = playbook("unlock.yml")
    forced = playbook("unlock.yml", "--extra-vars", "force=true")
    assert refused.status != 0, refused.output[-3000:]
    assert "ops@elsewhere has been changing the fleet with `make rollout`" in refused.text
    assert "nothing was changed" in refused.text
    assert "greeting, batch 1 on app1" in plan.check().text
    assert "greeting, batch 1 on app1" in looked.check().text
    assert asked.status != 0, asked.output[-3000:]
    assert "The fleet is unlocked." in forced.check().text
    assert on("core1", f"ls {RECORD}/lock.json 2>/dev/null || true") == ""
    assert (pids("greeting"), on("core1", f"cat {RECORD}/record.json")) == before
