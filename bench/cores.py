"""Which of this machine's cores a lab host's processes run on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from fleet.errors import FleetError


def halves() -> tuple[set[int], set[int]]:
    """This machine's cores in two halves; of an odd number the second has one more. `FleetError` if it has one."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise FleetError("This machine has one core, and --apart needs two: leave it out.")
    return set(cores[: len(cores) // 2]), set(cores[len(cores) // 2 :])


def confine(groups: Iterable, cores: set[int]) -> None:
    """Have everything in lab hosts' control groups run on these cores, and all that it starts from now on."""
    for group in groups:
        for pid in _processes(group.path):
            for thread in _threads(pid):
                with suppress(ProcessLookupError):  # it has ended meanwhile
                    os.sched_setaffinity(thread, cores)


def _processes(path: Path) -> list[int]:
    """Of the group and all below it. Unlike a glob, a walk goes on when one ends meanwhile."""
    found = []
    for folder, _, files in os.walk(path):
        if "cgroup.procs" in files:
            with suppress(OSError):
                found += map(int, Path(folder, "cgroup.procs").read_text().split())
    return found


def _threads(pid: int) -> list[int]:
    try:
        return [int(thread.name) for thread in Path(f"/proc/{pid}/task").iterdir()]
    except FileNotFoundError:
        return []
