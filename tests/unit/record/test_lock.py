"""Who may change the fleet, and when another's lock may be taken over."""

import os
import subprocess
import sys

import pytest

from fleet.errors import FleetError
from fleet.record import lock, process
from tests.unit.record.fleets import CORE, NOON, answer


def held(token="t1", **changed):  # noqa: S107 - no password
    """A lock of a run on another machine."""
    known = {"who": "ops@desk", "what": "make deploy", "since": NOON, "until": NOON + 600}
    return {"token": token, **known, "controller": "elsewhere", "pid": 1, "process_started": 1, **changed}


def judge(*locks, now=NOON + 60, machine="here"):
    given = {host: None if one is None else answer(lock=one or None) for host, one in zip(CORE, locks, strict=True)}
    return lock.judge(given, CORE, machine, now)


@pytest.fixture
def ended():
    """The lock of a process of this machine that has ended."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    found = lock.wanted("ops@desk", "make deploy", 600, NOON, child.pid)
    child.communicate()
    return found


FREE = {}


def test_a_lock_that_nobody_has_is_free():
    assert judge(FREE, FREE, None) == {"state": "free", "lock": None, "why": "", "replacing": [], "sentence": ""}


def test_one_that_a_majority_has_is_respected_and_the_sentence_says_whose_it_is_and_what_to_do():
    found = judge(held(), held(), FREE)
    assert (found["state"], found["lock"], found["replacing"]) == ("live", held(), [])
    assert found["sentence"] == (
        "ops@desk has been changing the fleet with `make deploy` since 2026-11-26 12:00 UTC. Wait until that has "
        "ended (a run that died has its lock until 2026-11-26 12:10 UTC), or, if you know that it is dead, type "
        "`make unlock FORCE=1`."
    )


def test_one_that_a_silent_host_may_complete_is_respected():
    assert judge(held(), FREE, None)["state"] == "live"


def test_a_try_that_failed_stands_in_nobodys_way():
    assert judge(held(), FREE, FREE)["state"] == "free"


def test_a_lock_that_ran_out_is_to_be_taken_over():
    found = judge(held(), held(), FREE, now=NOON + 601)
    assert (found["state"], found["replacing"]) == ("stale", ["t1"])
    assert found["sentence"].endswith("is stale: it ran out at 2026-11-26 12:10 UTC.")


def test_one_of_a_process_of_this_machine_that_has_ended_is_so_at_once(ended):
    found = judge(ended, ended, ended, machine=process.machine())
    assert (found["state"], found["replacing"]) == ("stale", [ended["token"]])
    assert found["why"] == f"its process {ended['pid']} on this machine has ended"


def test_what_has_ended_cannot_be_seen_from_another_machine(ended):
    assert judge(ended, ended, ended, machine="another")["state"] == "live"


def test_a_process_that_got_the_number_of_one_that_ended_is_another(ended):
    reused = {**ended, "pid": os.getpid()}
    assert judge(reused, reused, reused, machine=process.machine())["state"] == "stale"


def test_a_process_that_lives_has_its_lock():
    own = lock.wanted("ops@desk", "make deploy", 600, NOON, os.getpid())
    assert judge(own, own, own, machine=process.machine())["state"] == "live"


def test_where_other_users_processes_are_hidden_none_is_taken_for_ended(ended, monkeypatch):
    monkeypatch.setattr(process, "started", lambda _: None)
    assert judge(ended, ended, ended, machine=process.machine())["state"] == "live"


def test_stale_locks_of_several_runs_are_taken_over_together(ended):
    found = judge(ended, held(until=NOON), held("t2", until=NOON), machine=process.machine())
    assert set(found["replacing"]) == {ended["token"], "t1", "t2"}


def test_a_lock_that_cannot_be_read_is_respected():
    given = {"core1": answer(broken={"lock": "lock.json is corrupt."})}
    found = lock.judge(given, ["core1"], "here", NOON)
    assert (found["state"], found["lock"]) == ("live", None)
    assert found["sentence"].endswith("can't be read on core1: when nobody changes it, type `make unlock FORCE=1`.")


def test_nothing_is_judged_without_a_majority():
    with pytest.raises(FleetError, match="core2, core3 can't be asked"):
        judge(FREE, None, None)


def test_it_is_won_with_a_majority_of_all_hosts():
    def won(*locks):
        given = {host: None if one is None else answer(lock=one or None) for host, one in zip(CORE, locks, strict=True)}
        return lock.won(given, CORE, "t1")

    assert won(held(), held(), None)
    assert not won(held(), None, None)
    assert not won(held(), held("t2"), FREE)


def test_each_lock_is_its_runs_own():
    one, other = (lock.wanted("ops@desk", "make deploy", 600, NOON, os.getpid()) for _ in range(2))
    assert one["token"] != other["token"]
    assert (one["since"], one["until"], one["pid"]) == (NOON, NOON + 600, os.getpid())
    assert (one["controller"], one["process_started"]) == (process.machine(), process.started(os.getpid()))


def test_a_run_is_the_ansible_playbook_whatever_process_asks(tmp_path):
    script = tmp_path / "ansible-playbook"
    worker = "import fleet.record.process as process; print(process.playbook_pid())"
    script.write_text(
        "import os, subprocess, sys\n"
        "own = os.getpid()\n"
        "if os.fork():\n"  # as Ansible makes its workers, which look like itself
        "    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))\n"
        f"print(own, subprocess.check_output([sys.executable, '-c', {worker!r}], text=True))\n"
    )
    said = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True).stdout.split()
    assert said[0] == said[1]


def test_who_takes_one_away_is_told_whose_it_was():
    assert lock.unlocked(judge(held(), held(), FREE)) == (
        "The fleet is unlocked. The lock that ops@desk has held for `make deploy` since 2026-11-26 12:00 UTC is gone."
    )
    assert lock.unlocked(judge(FREE, FREE, None)) == "There was no lock."
