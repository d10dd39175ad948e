"""How many requests an instance works on, how many may wait, and what becomes of the rest."""

from collections import deque

from eventlet import Timeout
from eventlet.event import Event

from chassis import metrics
from chassis.http.errors import RequestError
from chassis.rpc.deadline import timeout_setting
from chassis.settings import whole_number_setting

QUEUE_SECONDS = 1  # a second's wait tells nothing good about the next


class Slots:
    """Bounds the requests that are in workers, and those that wait for one in number and in time.

    What is turned away costs next to nothing, and nothing piles up: when the load falls, the queue is empty within
    a second and the instance answers as before.
    """

    def __init__(self, workers, queue, seconds):
        self._free = workers
        self._queue, self._seconds = queue, seconds
        self._waiting = deque()  # an event for each request that waits, the first in line first

    @classmethod
    def from_config(cls, config, workers):
        """As the settings HTTP_QUEUE (as many as there are workers) and HTTP_QUEUE_SECONDS (1) say."""
        queue = whole_number_setting(config, "HTTP_QUEUE", workers)
        return cls(workers, queue, timeout_setting(config, "HTTP_QUEUE_SECONDS", QUEUE_SECONDS))

    def take(self):
        """Take a slot, to be given back with `give`; a 503 at once if the queue is full, or after its time."""
        if self._free:
            self._free -= 1
        else:
            self._wait()

    def give(self):
        """Give a slot back: to the first who waits, so that nobody who comes later is served before."""
        if self._waiting:
            self._waiting.popleft().send()
        else:
            self._free += 1

    def _wait(self):
        if len(self._waiting) >= self._queue:
            raise _overloaded()
        turn = Event()
        self._waiting.append(turn)
        try:
            turn.wait(self._seconds)
        except BaseException:  # it is killed: what it may have been given meanwhile is not lost
            if turn.ready():
                self.give()
            raise
        finally:
            if not turn.ready():
                self._waiting.remove(turn)
        if not turn.ready():
            raise _overloaded()

    def spawn(self, pool, spawn):
        """Call `spawn`, which waits for a worker, and bound its wait: calls that come by RPC take no slot."""
        if pool.free() > 0:
            spawn()
            return
        with Timeout(self._seconds) as timeout:
            try:
                spawn()
            except Timeout as error:
                if error is not timeout:
                    raise
                raise _overloaded() from None


def _overloaded():
    metrics.shed()
    message = "The instance has more requests than it can work on: try again in a moment."
    return RequestError(503, "overloaded", message)
