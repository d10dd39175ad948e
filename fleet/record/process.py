"""Who holds a lock, down to the process, so that its death can be seen from the same machine."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterator
from pathlib import Path

PLAYBOOK = "ansible-playbook"


def machine() -> str:
    """An id of this machine, as far as its processes can be looked up.

    Hashed, for the machine's own id is confidential (machine-id(5)). Copies of one image may share that id, and
    containers a kernel without sharing its processes: so the host's name and the process namespace belong to it.
    """
    own = Path("/etc/machine-id")
    parts = [own.read_text("utf-8") if own.exists() else "", platform.node(), str(Path("/proc/self/ns/pid").readlink())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def started(pid: int) -> int | None:
    """When a process began, in ticks since the machine's start; None when it is gone, or dead and not yet buried."""
    try:
        # proc_pid_stat(5): the name, in brackets, may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def is_gone(pid: int, start: int) -> bool:
    """Whether that process has surely ended on this machine."""
    # With hidepid (proc(5)) other users' processes look as if they were gone, process 1 among them.
    return started(1) is not None and started(pid) != start


def playbook_pid() -> int:
    """The process of the `ansible-playbook` that this one works for; this one's own where there is none.

    Filters run in workers, which end with their task.
    """
    found = [pid for pid in _ancestors(os.getpid()) if _is_playbook(pid)]
    return found[-1] if found else os.getpid()


def _ancestors(pid: int) -> Iterator[int]:
    while pid:
        yield pid
        pid = int(Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])


def _is_playbook(pid: int) -> bool:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:2]  # a script's interpreter comes first
    return PLAYBOOK in [Path(os.fsdecode(word)).name for word in words]
