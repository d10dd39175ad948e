"""A save or restore that was interrupted and is repeated still knows which hosts ran."""

import contextlib

import pytest

from lab import cgroup, host, lab, machine, network, owner, paths, resume, store
from lab.host import Host
from lab.lab import Lab

NAMES = ["a", "b"]


@pytest.fixture
def running(tmp_path, monkeypatch):
    """The names of hosts that run, on a machine without any; all but `b` do."""
    alive = {"a"}
    monkeypatch.setattr(resume, "RESUME", tmp_path / "resume")
    monkeypatch.setattr(host, "HOSTS", tmp_path / "hosts")
    monkeypatch.setattr(lab, "exclusive", lambda *_: contextlib.nullcontext())
    for module, name, result in (
        (machine, "require_packages", None),
        (owner, "require", None),
        (owner, "other", None),
        (owner, "take", None),
        (store, "mount", None),
        (store, "trim", None),
        (store, "delete_disk", None),
        (store, "save", None),
        (store, "restore", None),
        (store, "saves", {"kept": NAMES}),
        (store, "disk", paths.REPOSITORY),
        (network, "set_up", None),
    ):
        monkeypatch.setattr(module, name, lambda *_, result=result: result)
    monkeypatch.setattr(Lab, "_rest", lambda self: self)
    monkeypatch.setattr(cgroup.Group, "alive", lambda self: self.host in alive)
    monkeypatch.setattr(Host, "state", lambda self: "up" if self.name in alive else "down")
    monkeypatch.setattr(Host, "boot", lambda self: alive.add(self.name))
    monkeypatch.setattr(Host, "wait_for_ssh", lambda self: self)
    for end in ("kill", "shut_down"):
        monkeypatch.setattr(Host, end, lambda self: alive.discard(self.name) or True)
    return alive


@pytest.fixture
def fleet(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "require", lambda: None)
    path = tmp_path / "hosts.yml"
    path.write_text("lab: {hosts: {a: {ansible_host: 10.77.0.61}, b: {ansible_host: 10.77.0.62}}}")
    return Lab.from_inventory(path)


def interrupt(monkeypatch, verb, act):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, verb, interrupted)
        with pytest.raises(KeyboardInterrupt):
            act("kept")


@pytest.mark.parametrize("verb", ["save", "restore"])
def test_the_same_again_boots_what_ran_and_nothing_else(running, fleet, monkeypatch, verb):
    act = getattr(fleet, verb)
    interrupt(monkeypatch, verb, act)
    assert running == set()

    act("kept")

    assert running == {"a"}
    assert not resume.pending()


@pytest.mark.parametrize("verb", ["down", "kill", "destroy"])
def test_hosts_that_were_ended_on_purpose_since_stay_so(running, fleet, monkeypatch, verb):
    interrupt(monkeypatch, "save", fleet.save)
    getattr(fleet, verb)("a")

    fleet.save("kept")

    assert running == set()
