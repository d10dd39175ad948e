"""What was answered a short while ago: a call that comes again after its acknowledgement gets the same reply."""

import time
from collections import OrderedDict
from dataclasses import dataclass

from chassis.rpc import wire

# What can come again is what was answered about when a connection broke, and it comes as soon as RabbitMQ has noticed:
# after twice the heartbeat at the latest, and an election of the queue's leader.
SECONDS = 60
COUNT_MAX = 4096  # some seconds' worth, at the most that an instance can do
SIZE_MAX = wire.BODY_MAX  # bytes of the replies together; so the latest always fits


@dataclass(slots=True)
class Answer:
    """A reply as it was sent: content type, encoding and bytes; and whether it tells of an error."""

    reply: tuple[str, str, bytes]
    is_error: bool


class Answered:
    """The latest replies by call, bounded in number, size and time."""

    def __init__(self, seconds=SECONDS, count_max=COUNT_MAX, size_max=SIZE_MAX):
        self._seconds, self._count_max, self._size_max = seconds, count_max, size_max
        self._kept, self._size = OrderedDict(), 0  # until when, and answer; the oldest first

    def keep(self, key, answer):
        """Keep the answer to a call, under the call's key."""
        now = time.monotonic()
        self._drop(key)
        self._kept[key] = now + self._seconds, answer
        self._size += len(answer.reply[2])
        while self._kept and (
            len(self._kept) > self._count_max
            or self._size > self._size_max
            or next(iter(self._kept.values()))[0] <= now
        ):
            self._drop(next(iter(self._kept)))

    def find(self, key, redelivered):
        """Return the answer to give to a call again, or None if it is to be done.

        A message that RabbitMQ delivers again had its answer, whatever that was. One that the caller sent again after
        an error may be another attempt, and may go well.
        """
        until, answer = self._kept.get(key, (0, None))
        if until <= time.monotonic():
            return None
        return answer if redelivered or not answer.is_error else None

    def _drop(self, key):
        if kept := self._kept.pop(key, None):
            self._size -= len(kept[1].reply[2])
