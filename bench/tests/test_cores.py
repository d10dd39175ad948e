"""Who runs on which cores."""

import os
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from bench import cores
from fleet.errors import FleetError

several = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="this machine has one core")
# A thread that binds itself to a core, and another when a line comes.
PROGRAM = """
import os, sys, threading, time
def work(core):
    if core is not None:
        os.sched_setaffinity(0, {core})
    print(threading.get_native_id(), flush=True)
    time.sleep(60)
for core in (int(sys.argv[1]), None):
    threading.Thread(target=work, args=(core,), daemon=True).start()
    sys.stdin.readline()
time.sleep(60)
"""


@pytest.fixture
def everywhere():
    return os.sched_getaffinity(0)


class Program:
    """A process of a host, with a thread that is bound to a core."""

    def __init__(self, process):
        self.process = process
        self.bound = self.thread()

    def thread(self):
        return int(self.process.stdout.readline())

    def one_more(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.thread()


@pytest.fixture
def program(everywhere):
    command = [sys.executable, "-c", PROGRAM, str(max(everywhere))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Program(process)
        process.kill()


@pytest.fixture
def group(program):
    """Of a host with the program, and a process that has ended."""
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    return SimpleNamespace(processes=lambda: iter((ended.pid, program.process.pid)))


@several
def test_the_halves_are_all_cores_and_share_none(everywhere):
    first, second = cores.halves()

    assert first | second == everywhere
    assert first
    assert second
    assert not first & second


def test_one_core_has_no_halves(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})

    with pytest.raises(FleetError, match="one core"):
        cores.halves()


@several
@pytest.mark.parametrize(
    "which", [0, 1], ids=["other", "own"]
)  # the half that the bound thread is not in, and the one that it is
def test_every_thread_of_a_host_is_confined_and_then_runs_where_it_did(group, program, everywhere, which):
    half = cores.halves()[which]
    threads = (program.process.pid, program.bound)

    with cores.confined([group], half):
        begun = program.one_more()
        assert {frozenset(os.sched_getaffinity(thread)) for thread in (*threads, begun)} == {frozenset(half)}
        assert os.sched_getaffinity(threading.get_native_id()) == everywhere
        assert cores.is_confined(group)

    assert [os.sched_getaffinity(thread) for thread in threads] == [everywhere, {max(everywhere)}]
    assert os.sched_getaffinity(begun) == everywhere
    assert not cores.is_confined(group)


@several
def test_a_host_is_let_go_when_what_was_to_be_measured_fails(group, program, everywhere):
    with pytest.raises(ValueError, match="no"), cores.confined([group], cores.halves()[0]):
        raise ValueError("no")

    assert os.sched_getaffinity(program.process.pid) == everywhere
