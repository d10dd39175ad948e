"""The lab's verbs on a host of their own, beside whatever fleet runs: nothing here touches another host."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lab import Lab, LabError, lock, store
from lab.paths import REPOSITORY

pytestmark = pytest.mark.lab

HOST = "labx"
# A process with a last will: it tells a clean shutdown from a power cut.
WITNESS = ["systemd-run", "--unit=witness", "--property=ExecStop=touch /stopped", "sleep", "infinity"]


@pytest.fixture(scope="module")
def inventory(tmp_path_factory):
    path = tmp_path_factory.mktemp("lab") / "labx.yml"
    path.write_text(f"lab: {{hosts: {{{HOST}: {{ansible_host: 10.77.0.61}}}}}}\n")
    return path


@pytest.fixture(scope="module")
def made(inventory):
    lab = Lab.from_inventory(inventory)
    lab.destroy(keep_image=True)
    yield lab
    lab.destroy(keep_image=True)


@pytest.fixture
def lab(made):
    """The lab with its host up."""
    made.up()
    return made


def ssh(lab, *command):
    """The finished process of a command over SSH."""
    return subprocess.run(
        lab.ssh_command(HOST, command), capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )


def succeeds(lab, *command):
    return lab.exec(HOST, command, capture_output=True, check=False).returncode == 0


def command_line(inventory, *words):
    """The finished process of `python -m lab`."""
    return subprocess.run(
        [sys.executable, "-m", "lab", "--inventory", inventory, *words],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_a_host_is_a_plain_ssh_host_and_a_second_up_leaves_it_alone(lab):
    answer = ssh(lab, "hostname; . /etc/os-release; echo $ID $VERSION_ID; systemctl is-system-running --wait")
    assert answer.stdout.split() == [HOST, "debian", "13", "running"], answer.stderr
    before = lab.status()
    assert (before[0].state, before[0].address) == ("up", "10.77.0.61")
    lab.up()
    assert lab.status()[0].pid == before[0].pid


def test_the_command_line_gives_the_commands_own_status(lab, inventory):
    del lab
    answer = command_line(inventory, "exec", HOST, "--", "sh", "-c", "hostname; exit 7")
    assert (answer.stdout, answer.returncode) == (f"{HOST}\n", 7)
    assert command_line(inventory, "ssh", HOST, "exit 9").returncode == 9
    assert command_line(inventory, "status").returncode == 0


def test_a_host_that_is_cut_runs_on_alone(lab):
    pid = lab.status()[0].pid
    with lab.cut_off(HOST):
        assert lab.status()[0].state == "cut"
        with pytest.raises(OSError, match=r"timed out|No route"):
            socket.create_connection(("10.77.0.61", 22), timeout=1)
        assert not succeeds(lab, "ping", "-c", "1", "-W", "1", "10.77.0.1")
        lab.cut(HOST)  # again
    assert lab.status()[0].state == "up"
    assert ssh(lab, "ping -c 1 -W 5 10.77.0.1").returncode == 0
    assert lab.status()[0].pid == pid


def test_up_heals_a_host_that_is_cut(lab):
    lab.cut(HOST)
    lab.up()
    assert ssh(lab, "true").returncode == 0


def test_a_power_cut_is_no_shutdown_and_keeps_the_disk(lab):
    assert succeeds(lab, *WITNESS)
    assert succeeds(lab, "touch", "/kept")
    with lab.powered_off(HOST):
        assert lab.status()[0].state == "down"
        lab.kill(HOST)  # again
        with pytest.raises(LabError, match=f"{HOST} is down: `python -m lab start {HOST}` boots it"):
            lab.exec(HOST, ["true"])
    assert succeeds(lab, "test", "-e", "/kept")
    assert not succeeds(lab, "test", "-e", "/stopped")


def test_down_is_a_clean_shutdown(lab):
    assert succeeds(lab, *WITNESS)
    lab.down()
    lab.down()
    assert lab.status()[0].state == "down"
    lab.start()
    assert succeeds(lab, "test", "-e", "/stopped")


def test_a_full_disk_is_full_and_recovers(lab):
    write = ["dd", "if=/dev/zero", "of=/more", "bs=1M", "count=64", "conv=fsync"]
    before = lab.status()[0]
    assert before.disk_size == pytest.approx(3 * 2**30, rel=0.05)
    # All but the last 32 MiB in one go, which costs no writing.
    assert succeeds(lab, "fallocate", "-l", str(before.disk_size - before.disk_used - 2**25), "/big")
    full = lab.exec(HOST, write, capture_output=True, text=True, check=False)
    assert "No space left on device" in full.stderr
    with lab.powered_off(HOST):
        pass
    assert not succeeds(lab, *write)
    assert succeeds(lab, "rm", "/big")
    assert succeeds(lab, *write)


def test_restore_brings_back_what_was_saved(lab):
    assert succeeds(lab, "sh", "-c", "echo saved >/state")
    lab.save("labx-test")
    assert succeeds(lab, "sh", "-c", "echo changed >/state; touch /new")
    lab.restore("labx-test")
    assert ssh(lab, "cat /state").stdout == "saved\n"
    assert not succeeds(lab, "test", "-e", "/new")
    lab.down()
    lab.restore("labx-test")
    assert lab.status()[0].state == "down"
    with pytest.raises(LabError, match=r"no save nothing of these hosts: name one of .*labx-test"):
        lab.restore("nothing")


def test_a_save_that_was_interrupted_and_is_repeated_boots_what_ran(lab, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            lab.save("labx-again")
    assert lab.status()[0].state == "down"
    lab.save("labx-again")
    assert lab.status()[0].state == "up"


def test_a_wiped_host_comes_back_empty_under_its_own_name(lab):
    assert succeeds(lab, "touch", "/kept")
    lab.save("labx-whole")
    lab.destroy(HOST)
    lab.destroy(HOST)
    with pytest.raises(LabError, match=f"{HOST} has no disk yet: `python -m lab up` makes it"):
        lab.start(HOST)
    lab.up()
    assert ssh(lab, "ls /").returncode == 0
    assert not succeeds(lab, "test", "-e", "/kept")
    lab.restore("labx-whole")
    assert succeeds(lab, "test", "-e", "/kept")


def test_up_recovers_from_what_a_crash_leaves(lab):
    """systemd-nspawn is killed alone, its payload lives on; and later a disk is half made."""
    init = lab.status()[0].pid
    status = Path(f"/proc/{init}/status").read_text()
    supervisor = int(status.split("PPid:")[1].split()[0])
    assert "systemd-nspawn" in Path(f"/proc/{supervisor}/cmdline").read_text()
    os.kill(supervisor, signal.SIGKILL)
    lab.kill(HOST)
    lab.up()
    assert lab.status()[0].pid != init
    assert ssh(lab, "true").returncode == 0
    lab.destroy(HOST)
    half_made = store.DISKS / f"{HOST}.part"
    half_made.mkdir()
    (half_made / "disk.img").write_text("half")
    lab.up()
    assert ssh(lab, "true").returncode == 0
    assert not half_made.exists()


def test_two_at_the_same_time(lab, inventory):
    del lab
    with lock.exclusive("up"):
        refused = command_line(inventory, "up")
    assert refused.returncode == 1
    assert "The lab is busy with `up` (process" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_no_packet_for_a_lab_address_may_leave_the_machine(lab):
    route = ["unreachable", "10.77.0.0/24", "metric", "4294967295"]
    subprocess.run(["ip", "route", "delete", *route], capture_output=True, check=True)
    lab.up()
    shown = subprocess.run(["ip", "route", "show", "type", *route], capture_output=True, text=True, check=True)
    assert shown.stdout
