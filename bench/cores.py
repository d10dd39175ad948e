"""Which of this machine's cores lab hosts run on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fleet.errors import FleetError

PASSES = 10  # over all threads, until none is left that another one has just begun


def halves() -> tuple[set[int], set[int]]:
    """This machine's cores in two halves; of an odd number the second has one more. `FleetError` if it has one."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise FleetError("This machine has one core, and --apart needs two: leave it out.")
    return set(cores[: len(cores) // 2]), set(cores[len(cores) // 2 :])


@contextmanager
def confined(groups: Iterable, cores: set[int]):
    """Have everything in lab hosts' control groups run on these cores alone, and all that it starts; then as before."""
    groups = list(groups)
    before = dict(_affinities(groups))  # RabbitMQ has bound its schedulers to a core each, and does so once
    try:
        _set(groups, cores, before)
        yield
    finally:
        everywhere = set().union(*before.values())
        for thread, own in _affinities(groups):
            if own == cores:
                with suppress(OSError):
                    os.sched_setaffinity(thread, before.get(thread, everywhere))


def is_confined(group) -> bool:
    """Whether any process of a lab host runs on a part of this machine's cores only, as a killed run leaves them."""
    everywhere = os.sched_getaffinity(0)
    return any(set() < _affinity(pid) < everywhere for pid in group.processes())


def _set(groups: list, cores: set[int], before: dict[int, set[int]]) -> None:
    for _ in range(PASSES):
        others = [(thread, own) for thread, own in _affinities(groups) if own != cores]
        if not others:
            return
        for thread, own in others:
            with suppress(ProcessLookupError):  # it has ended meanwhile
                os.sched_setaffinity(thread, cores)
                before.setdefault(thread, own)
    raise FleetError(
        "Hosts start threads faster than they can be kept on their cores: try again when they are at rest."
    )


def _affinities(groups: list) -> Iterator[tuple[int, set[int]]]:
    for group in groups:
        for pid in group.processes():
            for thread in _threads(pid):
                if own := _affinity(thread):
                    yield thread, own


def _affinity(thread: int) -> set[int]:
    """None at all for one that has ended."""
    try:
        return os.sched_getaffinity(thread)
    except ProcessLookupError:
        return set()


def _threads(pid: int) -> list[int]:
    try:
        return [int(thread.name) for thread in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:  # it has ended
        return []
