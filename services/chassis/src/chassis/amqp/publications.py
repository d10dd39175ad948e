"""What was published on a connection, until the broker says what became of it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from pamqp import commands


class Outcome(Enum):
    """What became of a published message."""

    CONFIRMED = auto()  # the broker has it, as safely as its queue keeps things
    RETURNED = auto()  # no queue is bound for it
    REFUSED = auto()  # the broker could not take it (nack)
    LOST = auto()  # the connection ended before it said


@dataclass(slots=True)
class _Publication:
    settled: Callable
    key: tuple[str, str | None]  # what a mandatory message that comes back is known by
    returned: bool = False


class Publications:
    """Messages in the order of their numbers, which both sides count (https://www.rabbitmq.com/docs/confirms)."""

    def __init__(self):
        self._number, self._unconfirmed, self._mandatory = 0, {}, {}

    def add(self, settled, routing_key, correlation_id, mandatory):
        """Count the next message; `settled` is called once with its `Outcome`."""
        self._number += 1
        self._unconfirmed[self._number] = publication = _Publication(settled, (routing_key, correlation_id))
        if mandatory:
            self._mandatory[publication.key] = publication

    def returned(self, routing_key, correlation_id):
        """A mandatory message came back; its confirm follows."""
        if publication := self._mandatory.get((routing_key, correlation_id)):
            publication.returned = True

    def confirmed(self, frame):
        """An ack or nack came, for one message or for all up to one."""
        outcome = Outcome.CONFIRMED if isinstance(frame, commands.Basic.Ack) else Outcome.REFUSED
        if not frame.multiple:
            self._settle(frame.delivery_tag, outcome)
            return
        # Numbers only grow, and a dictionary keeps its order: those that this one includes come first.
        for number in list(self._unconfirmed):
            if number > frame.delivery_tag:
                break
            self._settle(number, outcome)

    def lost(self):
        """The connection has ended."""
        unconfirmed, self._unconfirmed, self._mandatory = self._unconfirmed, {}, {}
        for publication in unconfirmed.values():
            publication.settled(Outcome.LOST)

    def _settle(self, number, outcome):
        if publication := self._unconfirmed.pop(number, None):
            if self._mandatory.get(publication.key) is publication:
                del self._mandatory[publication.key]
            publication.settled(Outcome.RETURNED if publication.returned else outcome)
