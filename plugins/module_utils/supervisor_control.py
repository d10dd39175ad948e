"""Supervisor on this host, by its own interface (https://supervisord.org/api.html)."""

from __future__ import annotations

import time
import xmlrpc.client
from collections.abc import Callable

GOING_DOWN = ("RUNNING", "STARTING", "STOPPING", "BACKOFF")


def connect():
    from supervisor.xmlrpc import SupervisorTransport

    transport = SupervisorTransport(None, None, "unix:///run/supervisor.sock")
    return xmlrpc.client.ServerProxy("http://localhost", transport=transport).supervisor


def states(supervisor, names: list[str]) -> dict[str, str]:
    """Its word for each of the programs that it knows."""
    there = {process["name"]: process["statename"] for process in supervisor.getAllProcessInfo()}
    return {name: there[name] for name in names if name in there}


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
