"""What the kernel says of hosts whose services come and go."""

import os
from types import SimpleNamespace

from bench import usage


def test_a_service_that_ends_while_memory_is_looked_at_is_left_out(tmp_path):
    slices = tmp_path / "host" / "system.slice"
    (slices / "lasting.service").mkdir(parents=True)
    (slices / "lasting.service" / "cgroup.procs").write_text(f"{os.getpid()}\n")
    # What can't be read any more: as a folder here, for nothing else keeps root from reading it.
    (slices / "ended.service" / "cgroup.procs").mkdir(parents=True)

    found = usage.memory(SimpleNamespace(path=tmp_path))

    assert [name.split()[0] for name in found] == ["lasting"]
    assert all(size > 2**20 for size in found.values())
