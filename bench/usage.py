"""CPU time and memory of processes, read from the kernel; on the lab's hosts too, without disturbing them.

A lab host's processes are processes of this machine, and its control groups are groups of this machine's: reading them
here costs microseconds, where running something on seven hosts would be load of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def of_unit(group, unit: str) -> float:
    """CPU seconds of a systemd unit on a lab host since it started, what ended in it included."""
    text = (_folder(group.path, unit) / "cpu.stat").read_text()
    return int(dict(line.split() for line in text.splitlines())["usage_usec"]) / 1e6


@cache
def _folder(path: Path, unit: str) -> Path:
    return next(folder for folder in _services(path) if folder.name == f"{unit}.service")


def _services(path: Path) -> Iterator[Path]:
    """The groups of systemd's services. Unlike a glob, a walk goes on when one ends meanwhile."""
    for folder, names, _ in os.walk(path):
        if Path(folder).name == "system.slice":
            yield from (Path(folder, name) for name in names if name.endswith(".service"))


def memory(group) -> dict[str, int]:
    """Resident bytes of each process of a lab host, by unit, program and process id; without small helpers."""
    found = {}
    for folder in _services(group.path):
        unit = folder.name.removesuffix(".service")
        for pid in _read(folder / "cgroup.procs").split():
            found |= {f"{unit} {name}": size for name, size in _resident(int(pid))}
    return found


def of_processes(pids: Iterable[int]) -> float:
    """CPU seconds of processes and all their descendants that live."""
    return sum(_cpu(pid) for pid in descendants(pids))


def memory_of_processes(pids: Iterable[int]) -> dict[str, int]:
    """Resident bytes of processes and their descendants."""
    return {name: size for pid in descendants(pids) for name, size in _resident(pid)}


def descendants(pids: Iterable[int]) -> list[int]:
    found = list(pids)
    for pid in found:  # grows while it is read
        for file in Path(f"/proc/{pid}/task").glob("*/children"):
            found += [int(child) for child in _read(file).split()]
    return found


def machine() -> float:
    """CPU seconds in which this machine's cores were busy."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    idle, iowait = fields[3:5]
    guests = sum(fields[8:10])  # counted in user time already
    return (sum(fields) - idle - iowait - guests) / TICKS


def _cpu(pid: int) -> float:
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / TICKS if fields else 0.0


def _resident(pid: int) -> list[tuple[str, int]]:
    program, sizes = _read(Path(f"/proc/{pid}/comm")).strip(), _read(Path(f"/proc/{pid}/statm")).split()
    if not sizes or int(sizes[1]) * PAGE < 4 * 2**20:
        return []
    return [(f"{program} [{pid}]", int(sizes[1]) * PAGE)]


def _read(file: Path) -> str:
    """What is in a file of a process or a group, nothing once it has ended."""
    try:
        return file.read_text()
    except OSError:
        return ""
