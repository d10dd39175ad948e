"""Whether a host runs is read from its control group, so that no stale process id can mislead the lab."""

import os

import pytest

from lab import cgroup
from lab.errors import UsageError


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A version 2 hierarchy of plain files."""
    monkeypatch.setattr(cgroup, "ROOT", tmp_path)
    (tmp_path / "cgroup.procs").touch()
    return tmp_path


def a_group(root, host, populated, pids=""):
    folder = root / cgroup.PARENT / host
    (folder / "payload" / "init.scope").mkdir(parents=True)
    (folder / "cgroup.events").write_text(f"populated {populated}\nfrozen 0\n")
    (folder / "payload" / "init.scope" / "cgroup.procs").write_text(pids)
    return cgroup.Group(host)


def test_a_host_whose_processes_died_is_dead_whatever_is_left_of_it(root):
    dead, alive = a_group(root, "dead", 0), a_group(root, "alive", 1)
    assert not dead.alive()
    assert dead.wait_until_dead(0)
    assert alive.alive()
    assert not alive.wait_until_dead(0)
    assert cgroup.living() == ["alive"]
    assert not cgroup.Group("never-made").alive()


def test_the_first_process_is_the_one_that_is_number_1_inside(root):
    """This very process is not number 1 in any namespace of its own, and an id can be gone by now."""
    group = a_group(root, "host", 1, pids=f"{os.getpid()}\n4194305\n")
    assert group.init() is None


def test_memory_is_counted_without_cache_that_can_go(root):
    group = a_group(root, "host", 1)
    assert group.memory() is None
    (group.path / "memory.current").write_text("5000\n")
    (group.path / "memory.stat").write_text("anon 1000\ninactive_file 3000\n")
    assert group.memory() == 2000


def test_a_machine_without_version_2_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(cgroup, "ROOT", tmp_path)
    with pytest.raises(UsageError, match="cgroup v2"):
        cgroup.parent()
