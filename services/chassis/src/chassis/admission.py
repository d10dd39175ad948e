"""Has an instance do what its state file says: take work from what it shares with others, or leave it to them."""

import logging
import time

from eventlet.event import Event

from chassis.instance import ADMITTED

_log = logging.getLogger(__name__)

PAUSE = 0.25  # seconds between two looks at the state file
UNSETTLED = 1  # seconds after a change in which the next may bear the same time: a file system's clock ticks slowly


class Admission:
    """Watches an instance's state file.

    Args:
        instance: the `Instance`.
        tell: called with the state, in the greenlet that watches, when that has changed.

    Attributes:
        state: what the file said at the last look.
    """

    def __init__(self, instance, tell):
        self._instance, self._tell = instance, tell
        self._seen = None
        self.state, _ = instance.state()
        self._end = Event()

    @property
    def admitted(self):
        """Whether the instance takes work from what it shares with others."""
        return self.state == ADMITTED

    def watch(self):
        """Look again and again, until the `end`."""
        while not self._end.ready():
            self._end.wait(PAUSE)
            try:
                self._follow()
            except Exception:  # noqa: BLE001 - it is logged; the next state is to be followed all the same
                _log.exception("The instance could not do what its state file says.")

    def end(self):
        """Look no more."""
        if not self._end.ready():
            self._end.send()

    def _follow(self):
        seen = self._look()
        if seen is not None and seen == self._seen:
            return
        self._seen = seen
        state, reason = self._instance.state()
        if state == self.state:
            return
        _log.info("The instance's state is %s now (it was %s). %s", state, self.state, reason)
        self.state = state
        self._tell(state)

    def _look(self):
        """Something that differs when the file does, for less than it costs to read it; None if it must be read."""
        try:
            found = self._instance.state_file.stat()
        except OSError:
            return None
        if abs(time.time() - found.st_mtime) < UNSETTLED:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
