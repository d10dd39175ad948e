"""Supervisor on this host, by its own interface (https://supervisord.org/api.html)."""

from __future__ import annotations

import contextlib
import os
import time
import xmlrpc.client
from collections.abc import Callable
from pathlib import Path

GOING_DOWN = ("RUNNING", "STARTING", "STOPPING", "BACKOFF")
#: How nice a program is to others, nice(1): while it starts, those that answer calls come first.
WHILE_STARTING, WHILE_SERVING = 10, 0


def connect():
    from supervisor.xmlrpc import SupervisorTransport

    transport = SupervisorTransport(None, None, "unix:///run/supervisor.sock")
    return xmlrpc.client.ServerProxy("http://localhost", transport=transport).supervisor


def states(supervisor, names: list[str]) -> dict[str, str]:
    """Its word for each of the programs that it knows."""
    there = {process["name"]: process["statename"] for process in supervisor.getAllProcessInfo()}
    return {name: there[name] for name in names if name in there}


def set_niceness(supervisor, names: list[str], niceness: int) -> None:
    """Give it to each of the programs that has a process, on all its threads: setpriority(2) takes one at a time."""
    for process in supervisor.getAllProcessInfo():
        if process["name"] not in names or not process["pid"]:
            continue
        for thread in Path(f"/proc/{process['pid']}/task").glob("*"):
            with contextlib.suppress(ProcessLookupError):  # where it has ended meanwhile
                os.setpriority(os.PRIO_PROCESS, int(thread.name), niceness)


def wait(supervisor, names: list[str], settled: Callable[[dict], bool], timeout: int) -> dict[str, str]:
    """Poll until `settled(states)` or the deadline; return the last states."""
    deadline = time.monotonic() + timeout
    while True:
        current = states(supervisor, names)
        if settled(current) or time.monotonic() > deadline:
            return current
        time.sleep(0.1)


def complaint(supervisor, failed: list[str], what: str, now: dict[str, str]) -> str:
    """What an operator has to know of programs that failed: the word for the first, and the end of its log."""
    first = failed[0]
    tail = supervisor.tailProcessStdoutLog(first, 0, 2000)[0] if first in now else ""
    return f"{', '.join(failed)} {what} ({now.get(first, 'unknown to supervisor')}). Last of {first}'s log:\n{tail}"
