"""What supervisor is told when instances start and end."""

# ruff: noqa: N802, ARG002 - the methods are supervisor's, https://supervisord.org/api.html

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible.module_utils import service_programs
from ansible.module_utils.testing import patch_module_args

from tests.unit.test_modules import module

OURS = ["greeting-2.0.0-b1", "greeting-2.0.0-b2"]
OTHER = "trips-1.0.0-a1"
BOTH_RUN = dict.fromkeys(OURS, "RUNNING")


class Supervisor:
    """Programs by name, with supervisor's word for each; what is asked takes effect, unless a program is `stubborn`."""

    def __init__(self, programs):
        self.programs = dict(programs)
        self.stubborn, self.heard, self.pids = set(), [], {}

    def getAllProcessInfo(self):
        pids = self.pids
        listed = [{"name": name, "statename": word, "pid": pids.get(name, 0)} for name, word in self.programs.items()]
        # Who was told to stop has stopped by the next look.
        for name in {name for name, word in self.programs.items() if word == "STOPPING"} - self.stubborn:
            self.programs[name] = "STOPPED"
        return listed

    def reloadConfig(self):
        self.heard.append(("reload", ""))

    def addProcessGroup(self, name):
        self.heard.append(("add", name))
        self.programs[name] = "FATAL" if name in self.stubborn else "RUNNING"

    def startProcess(self, name, wait):
        self.heard.append(("start", name))
        self.programs[name] = "RUNNING"

    def stopProcessGroup(self, name, wait):
        self.heard.append(("stop", name))
        self.programs[name] = "STOPPING"

    def removeProcessGroup(self, name):
        self.heard.append(("remove", name))
        del self.programs[name]

    def tailProcessStdoutLog(self, name, offset, length):
        return [f"the log of {name}", 0, False]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """`run(name, supervisor, **arguments)`: what a module answers on a host with that supervisor."""
    for folder in ("CONFIGURATIONS", "FILES", "STATES"):
        monkeypatch.setattr(service_programs, folder, tmp_path / folder)

    def answer(name, supervisor, **arguments):
        loaded = module(name)
        monkeypatch.setattr(loaded, "connect", lambda: supervisor)
        with patch_module_args({"programs": OURS, "timeout": 0, **arguments}), pytest.raises(SystemExit):
            loaded.main()
        return json.loads(capsys.readouterr().out)

    return answer


@pytest.fixture
def files():
    """`files.make()` makes our instances' files in the folders of `run`; `files()` lists the kinds that are left."""

    def make():
        for program in OURS:
            for path in service_programs.paths("greeting", program).values():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("")

    def left():
        paths = [path for program in OURS for path in service_programs.paths("greeting", program).items()]
        return sorted({kind for kind, path in paths if path.exists()})

    left.make = make
    return left


def test_new_programs_start_and_nobody_elses_are_touched(run):
    supervisor = Supervisor({OTHER: "STOPPED"})
    assert run("service_started", supervisor)["changed"]
    assert [supervisor.programs[name] for name in OURS] == ["RUNNING", "RUNNING"]
    assert {name for _, name in supervisor.heard} == {"", *OURS}


def test_one_that_is_known_but_stands_still_is_started_and_one_that_runs_is_left_alone(run):
    supervisor = Supervisor({OURS[0]: "EXITED", OURS[1]: "RUNNING"})
    assert run("service_started", supervisor)["changed"]
    assert supervisor.heard == [("reload", ""), ("start", OURS[0])]
    assert not run("service_started", supervisor)["changed"]


def test_one_that_does_not_start_is_told_with_its_log(run):
    supervisor = Supervisor({})
    supervisor.stubborn = {OURS[1]}
    said = run("service_started", supervisor)
    assert said["failed"]
    assert said["msg"] == f"{OURS[1]} doesn't start (FATAL). Last of {OURS[1]}'s log:\nthe log of {OURS[1]}"


@pytest.fixture
def processes():
    """Two that sleep, each with a second thread: the niceness of each thread by `processes()`; `processes.pids`."""
    code = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\nprint(flush=True)"
    started = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) for _ in OURS]
    for process in started:
        process.stdout.readline()

    def niceness():
        threads = [int(task.name) for one in started for task in Path(f"/proc/{one.pid}/task").iterdir()]
        return [os.getpriority(os.PRIO_PROCESS, thread) for thread in threads]

    niceness.pids = dict(zip(OURS, [process.pid for process in started], strict=True))
    yield niceness
    for process in started:
        process.kill()
        process.communicate()


def test_while_they_start_those_that_answer_calls_come_first(run, processes):
    supervisor = Supervisor({})
    supervisor.pids = processes.pids
    run("service_started", supervisor)
    assert processes() == [10] * 4


def test_one_that_takes_calls_already_keeps_its_priority(run, processes, files):
    files.make()
    for program in OURS:
        service_programs.write_state(program, "admitted")
    supervisor = Supervisor(BOTH_RUN)
    supervisor.pids = processes.pids
    run("service_started", supervisor)
    assert processes() == [0] * 4


def test_once_admitted_they_are_equal_and_not_before(run, processes, files, monkeypatch):
    files.make()
    supervisor, given = Supervisor(BOTH_RUN), []
    supervisor.pids = processes.pids
    # Only root may give a process more than it has.
    monkeypatch.setattr(os, "setpriority", lambda *call: given.append(call))
    run("service_state", supervisor, state="draining", address="127.0.0.1", host="app1")
    assert given == []
    run("service_state", supervisor, state="admitted", address="127.0.0.1", host="app1")
    assert [niceness for _, _, niceness in given] == [0] * 4


def test_check_mode_starts_nothing(run):
    supervisor = Supervisor({})
    assert run("service_started", supervisor, _ansible_check_mode=True)["changed"]
    assert not supervisor.heard


def test_all_are_told_to_end_before_one_is_waited_for_and_nothing_of_them_is_left(run, files):
    supervisor = Supervisor({**BOTH_RUN, OTHER: "RUNNING"})
    files.make()
    assert run("service_ended", supervisor, service="greeting", timeout=5)["changed"]
    assert supervisor.heard[:2] == [("stop", name) for name in OURS]
    assert list(supervisor.programs) == [OTHER]
    assert files() == []
    assert not run("service_ended", supervisor, service="greeting")["changed"]


def test_one_that_does_not_end_is_told_and_no_reboot_starts_it(run, files):
    supervisor = Supervisor(BOTH_RUN)
    supervisor.stubborn = {OURS[0]}
    files.make()
    said = run("service_ended", supervisor, service="greeting", timeout=1)
    assert said["failed"]
    assert said["msg"].startswith(f"{OURS[0]} didn't end within 1 s (STOPPING)")
    assert OURS[0] in supervisor.programs
    assert files() == ["configuration", "record", "state"]


def test_what_supervisor_has_forgotten_loses_its_files_all_the_same(run, files):
    supervisor = Supervisor({OTHER: "RUNNING"})
    files.make()
    assert run("service_ended", supervisor, service="greeting")["changed"]
    assert files() == []
    assert list(supervisor.programs) == [OTHER]
