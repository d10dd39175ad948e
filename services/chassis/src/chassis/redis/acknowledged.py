"""Writes that count once replicas have them, many at a time."""

import eventlet
from eventlet.event import Event

from chassis.errors import NotEnoughReplicas

WAIT_MS = 2000  # a healthy replica acknowledges in about 1 ms


class AcknowledgedWrites:
    """Sends writes with a `WAIT` behind them, one group after the other.

    `WAIT` holds up its connection until the replicas have the last write of that very connection, and with it all
    before. What comes meanwhile goes together, as the next group: that takes Redis one `WAIT`, and one flush of its
    append-only file, for all of them.
    """

    def __init__(self, lane):
        self._lane, self._group, self._is_working = lane, _Group(), False

    def run(self, command, replicas):
        """Do a command that writes; return its answer once `replicas` replicas have what it wrote."""
        group = self._group
        number = group.add(command, replicas)
        if not self._is_working:
            self._is_working = True
            eventlet.spawn_n(self._work)
        answer, acknowledged = group.outcome(number)
        for given in (answer, acknowledged):
            if isinstance(given, Exception):
                raise given
        if acknowledged < replicas:
            raise NotEnoughReplicas(f"Only {acknowledged} of {replicas} Redis replicas have the write.")
        return answer

    def _work(self):
        try:
            while self._group.commands:
                group, self._group = self._group, _Group()
                group.do(self._lane)
        finally:
            self._is_working = False


class _Group:
    """Writes that go together."""

    def __init__(self):
        self.commands, self._replicas = [], 0
        self._answers, self._done = None, Event()

    def add(self, command, replicas):
        self.commands.append(command)
        self._replicas = max(self._replicas, replicas)
        return len(self.commands) - 1

    def do(self, lane):
        try:
            self._answers = lane.ask(*self.commands, ("WAIT", self._replicas, WAIT_MS))
        except Exception as error:  # noqa: BLE001 - it is each writer's to handle
            self._answers = error
        self._done.send()

    def outcome(self, number):
        """Return the answer to a command of the group and to its `WAIT`, when they are there."""
        self._done.wait()
        if isinstance(self._answers, Exception):
            raise type(self._answers)(*self._answers.args) from self._answers
        return self._answers[number], self._answers[-1]
