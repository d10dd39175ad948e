"""Who runs on which cores."""

import os
import subprocess
from types import SimpleNamespace

import pytest

from bench import cores
from fleet.errors import FleetError

several = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="this machine has one core")


@pytest.fixture
def sleeper():
    with subprocess.Popen(["sleep", "60"]) as process:
        yield process
        process.kill()


@several
def test_the_halves_are_all_cores_and_share_none():
    first, second = cores.halves()

    assert first | second == os.sched_getaffinity(0)
    assert first
    assert second
    assert not first & second


def test_one_core_has_no_halves(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})

    with pytest.raises(FleetError, match="one core"):
        cores.halves()


@several
def test_processes_of_a_host_are_confined_those_that_have_ended_left_out(tmp_path, sleeper):
    service = tmp_path / "system.slice" / "some.service"
    service.mkdir(parents=True)
    ended = subprocess.Popen(["true"])
    ended.wait()
    (service / "cgroup.procs").write_text(f"{ended.pid}\n{sleeper.pid}\n")
    first, _ = cores.halves()

    cores.confine([SimpleNamespace(path=tmp_path)], first)

    assert os.sched_getaffinity(sleeper.pid) == first
    assert os.sched_getaffinity(0) != first
