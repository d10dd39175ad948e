"""A host's control group: the one record of what belongs to it.

Process ids are reused and files go stale; the kernel's own list of a group's processes does
neither. Whatever runs in a host's group was started by the lab for that host, even when the
process that started it is long dead.
"""

import contextlib
import os
import time
from pathlib import Path

from lab.errors import LabError, UsageError

ROOT = Path("/sys/fs/cgroup")
PARENT = "nameko-fleet-lab"


class Group:
    """The control group of one host."""

    def __init__(self, host):
        self.host = host
        self.path = parent() / host
        self._memory = ROOT / "memory" / PARENT / host  # where memory is counted by version 1

    def create(self):
        """Make the group, with all controllers that this machine hands out."""
        for level in (parent().parent, parent()):
            level.mkdir(exist_ok=True)
            _enable_controllers(level)
        self.path.mkdir(exist_ok=True)
        if self._counts_in_version_1():
            self._memory.mkdir(parents=True, exist_ok=True)

    def entrances(self):
        """The `cgroup.procs` files that a process writes its id to, to become part of the host."""
        files = [self.path / "cgroup.procs"]
        if self._counts_in_version_1():
            files.append(self._memory / "cgroup.procs")
        return files

    def visitors(self):
        """The same for a process from outside: in a leaf of its own, as systemd wants inner ones empty."""
        leaf = self.path / "visitors"
        leaf.mkdir(exist_ok=True)
        return [leaf / "cgroup.procs", *self.entrances()[1:]]

    def alive(self):
        """Whether any process of the host is left."""
        try:
            events = (self.path / "cgroup.events").read_text()
        except OSError:
            return False
        return "populated 1" in events

    def kill(self):
        """End every process of the host at once, with no chance to clean up."""
        if self.path.exists():
            (self.path / "cgroup.kill").write_text("1")

    def wait_until_dead(self, seconds):
        """Whether the host's last process ended within `seconds`."""
        deadline = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    def init(self):
        """The machine's id of the host's PID 1; None while there is none."""
        return next((pid for pid in self.processes() if _pid_inside(pid) == ["1"]), None)

    def processes(self):
        """The machine's ids of the host's processes."""
        for folder, _, _ in os.walk(self.path):  # unlike a glob it goes on when a group ends meanwhile
            yield from map(int, _read(Path(folder, "cgroup.procs")).split())

    def memory(self):
        """Bytes of memory in use, less file cache that can go at once; None if it isn't counted."""
        for folder, total in ((self.path, "memory.current"), (self._memory, "memory.usage_in_bytes")):
            if used := _read(folder / total):
                stat = dict(line.split() for line in _read(folder / "memory.stat").splitlines())
                cache = stat.get("total_inactive_file", stat.get("inactive_file", 0))
                return int(used) - int(cache)
        return None

    def remove(self):
        """Remove the empty group and the groups that the host's systemd made in it."""
        # On a machine with version 1 systemd-nspawn makes the group in systemd's own hierarchy too.
        for group in (mount / PARENT / self.host for mount in (ROOT, *ROOT.glob("*/"))):
            for folder in sorted(group.rglob("*/"), key=lambda path: len(path.parts), reverse=True):
                folder.rmdir()
            if group.exists():
                group.rmdir()

    def _counts_in_version_1(self):
        return (ROOT / "memory").is_dir() and self.path.is_relative_to(ROOT / "unified")


def parent():
    """The group that holds all hosts' groups, in the unified hierarchy."""
    for mount in (ROOT, ROOT / "unified"):
        if (mount / "cgroup.procs").exists():
            return mount / PARENT
    raise UsageError("This machine has no unified control groups (cgroup v2), which the lab's hosts need.")


def living():
    """Names of all hosts with a process left, whatever inventory or clone they came from."""
    return [path.name for path in sorted(parent().glob("*/")) if Group(path.name).alive()]


def _enable_controllers(folder):
    for controller in _read(folder / "cgroup.controllers").split():
        # Limits and accounting are a convenience: hosts run without.
        with contextlib.suppress(OSError):
            (folder / "cgroup.subtree_control").write_text(f"+{controller}")
    if not (folder / "cgroup.kill").exists() and folder.name == PARENT:
        raise LabError("This machine's kernel can't end a control group: Linux 5.14 or newer is needed.")


def _pid_inside(pid):
    """The ids of a process in the namespaces below the machine's own."""
    for line in _read(Path("/proc") / str(pid) / "status").splitlines():
        if line.startswith("NSpid:"):
            return line.split()[2:]
    return []


def _read(file):
    try:
        return file.read_text()
    except OSError:
        return ""
