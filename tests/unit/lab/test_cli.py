"""What the command line says when it can't do what was typed."""

import re

import pytest

from lab import cli, machine, owner
from lab.errors import LabError
from lab.lab import Lab, Status

VERBS = ["up", "down", "destroy", "status", "ssh", "exec", "cut", "heal", "kill", "start", "save", "restore"]


@pytest.fixture(autouse=True)
def clone(tmp_path, monkeypatch):
    """A machine without a lab: what is said here must not depend on whose lab this machine has."""
    monkeypatch.setattr(owner, "OWNER", tmp_path / "state" / "owner")
    monkeypatch.setattr(owner, "STORE_FILE", tmp_path / "state" / "store.xfs")
    monkeypatch.setattr(owner, "CLONE_ID", tmp_path / "lab-clone-id")
    return tmp_path


@pytest.fixture
def fitting_machine(monkeypatch):
    monkeypatch.setattr(machine, "require", lambda: None)


@pytest.fixture
def fleet(tmp_path):
    path = tmp_path / "hosts.yml"
    path.write_text("lab: {hosts: {a: {ansible_host: 10.77.0.61}, b: {ansible_host: 10.77.0.62}}}")
    return str(path)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb, capsys):
    with pytest.raises(SystemExit) as left:
        cli.main([verb, "--help"])
    assert left.value.code == 0
    shown = capsys.readouterr().out
    assert "usage: python -m lab" in shown
    assert "exit status" in shown


def test_an_unknown_verb_gets_the_valid_ones(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["upp"])
    assert left.value.code == 2
    shown = capsys.readouterr().err
    assert all(verb in shown for verb in VERBS)


def test_without_root(monkeypatch, capsys, fleet):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert cli.main(["up", "--inventory", fleet]) == 2
    assert capsys.readouterr().err.startswith("lab: The lab needs root")


def test_on_another_operating_system(monkeypatch, capsys, fleet):
    monkeypatch.setattr("sys.platform", "darwin")
    assert cli.main(["up", "--inventory", fleet]) == 2
    assert "systemd-nspawn, not on darwin" in capsys.readouterr().err


def test_where_nspawn_is_missing_and_cannot_be_installed(monkeypatch, capsys, fleet, fitting_machine):
    del fitting_machine
    monkeypatch.setattr("shutil.which", lambda name: None if name in ("systemd-nspawn", "apt-get") else name)
    assert cli.main(["kill", "a", "--inventory", fleet]) == 2
    assert "systemd-container: `python -m lab up` installs" in capsys.readouterr().err
    with pytest.raises(LabError, match="systemd-container, and this machine has no apt-get"):
        machine.install(machine.missing())


def test_an_unknown_host_is_told_before_that_the_lab_is_anothers(clone, capsys, fleet, fitting_machine):
    del fitting_machine
    (clone / "state").mkdir()
    owner.STORE_FILE.touch()
    assert cli.main(["--inventory", fleet, "kill", "c"]) == 2
    assert "has no host c" in capsys.readouterr().err


@pytest.mark.parametrize(
    "typed", [["up", "c"], ["kill", "c"], ["cut", "a", "c"], ["exec", "c", "--", "true"], ["ssh", "c"]]
)
def test_an_unknown_host_gets_the_valid_names(typed, capsys, fleet, fitting_machine):
    del fitting_machine
    assert cli.main(["--inventory", fleet, *typed]) == 2
    assert re.fullmatch(r"lab: \S+ has no host c: name one of a, b\.\n", capsys.readouterr().err)


def test_exec_without_a_command(capsys, fleet, fitting_machine):
    del fitting_machine
    assert cli.main(["--inventory", fleet, "exec", "a"]) == 2
    assert "python -m lab exec a -- uptime" in capsys.readouterr().err


def test_a_save_needs_a_plain_name(capsys, fleet, fitting_machine):
    del fitting_machine
    assert cli.main(["save", "../x", "--inventory", fleet]) == 2
    assert "'../x' can't name a save" in capsys.readouterr().err


def test_status_is_a_table_and_fails_unless_all_are_up(monkeypatch, capsys, fleet, fitting_machine):
    del fitting_machine
    up = Status("a", "10.77.0.61", "up", 77, 2**20 * 15, 2**20 * 8, 2**20 * 2951)
    down = Status("b", "10.77.0.62", "down", None, None, None, None)
    monkeypatch.setattr(Lab, "status", lambda self: [up, down] if self else [])
    assert cli.main(["status", "--inventory", fleet]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["a", "10.77.0.61", "up", "77", "15", "MiB", "8", "MiB", "of", "2951", "MiB"]
    assert lines[2].split() == ["b", "10.77.0.62", "down", "-", "-", "-"]
    monkeypatch.setattr(Lab, "status", lambda self: [up] if self else [])
    assert cli.main(["status", "--inventory", fleet]) == 0


def test_a_clone_made_anew_in_the_same_folder_is_another_owner():
    assert owner.other() is None
    owner.take()
    assert owner.other() is None
    owner.CLONE_ID.unlink()
    with pytest.raises(LabError, match=r"belongs to the clone in .*`python -m lab up` here ends its hosts"):
        owner.require()
    owner.take()
    owner.require()


def test_disks_that_nobody_signed_for_are_not_ours(clone):
    (clone / "state").mkdir()
    owner.STORE_FILE.touch()
    assert owner.other() == "an unknown folder"
