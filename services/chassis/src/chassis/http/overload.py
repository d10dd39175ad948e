"""How many requests an instance works on, how many may wait, and what becomes of the rest."""

from eventlet import Timeout
from eventlet.semaphore import Semaphore

from chassis import metrics
from chassis.http.errors import RequestError

QUEUE_SECONDS = 1  # a second's wait tells nothing good about the next


class Slots:
    """Bounds the requests that are in workers, and those that wait for one in number and in time.

    What is turned away costs next to nothing, and nothing piles up: when the load falls, the queue is empty within
    a second and the instance answers as before.
    """

    def __init__(self, workers, queue, seconds):
        self._free = Semaphore(workers)
        self._queue, self._seconds = queue, seconds
        self._waiting = 0

    @classmethod
    def from_config(cls, config, workers):
        """As the settings HTTP_QUEUE (as many as there are workers) and HTTP_QUEUE_SECONDS (1) say."""
        return cls(workers, config.get("HTTP_QUEUE", workers), config.get("HTTP_QUEUE_SECONDS", QUEUE_SECONDS))

    def take(self):
        """Take a slot, to be given back with `give`; a 503 at once if the queue is full, or after its time."""
        if not self._free.acquire(blocking=False):
            self._wait()

    def give(self):
        self._free.release()

    def _wait(self):
        if self._waiting >= self._queue:
            raise _overloaded()
        self._waiting += 1
        try:
            if not self._free.acquire(timeout=self._seconds):
                raise _overloaded()
        finally:
            self._waiting -= 1

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
