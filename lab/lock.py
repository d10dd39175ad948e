"""One verb at a time changes the lab."""

import contextlib
import fcntl
import os
import time

from lab.errors import LabError
from lab.paths import LOCK


@contextlib.contextmanager
def exclusive(verb, wait=0):
    """Hold the lab for `verb`; when another process does, wait up to `wait` seconds and then refuse.

    The kernel drops the lock with its holder, however that ends.
    """
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + wait
    with LOCK.open("a+") as file:
        while not _try(file):
            if time.monotonic() >= deadline:
                file.seek(0)
                holder = file.read().strip() or "another process"
                raise LabError(f"The lab is busy with {holder}: type this again when that is done.")
            time.sleep(0.05)
        file.truncate(0)
        file.write(f"`{verb}` (process {os.getpid()})")
        file.flush()
        yield


def _try(file):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
