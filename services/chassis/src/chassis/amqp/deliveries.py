"""Which messages of a connection are still to be acknowledged, and in how few words that can be done."""

import itertools

from pamqp import commands


class Deliveries:
    """Delivery tags, in the order in which they came.

    A quorum queue writes each acknowledgement down on a majority of its nodes, and so pays for the acknowledgement, not
    for the message: those of messages that came one after the other go as one. None waits for a message that is still
    worked on.
    """

    def __init__(self):
        self._unacked, self._acked = {}, set()

    def came(self, tag):
        """A message was delivered that is to be acknowledged."""
        self._unacked[tag] = True

    def done(self, tag):
        """It may be acknowledged, when `acknowledgements` are asked for next."""
        self._acked.add(tag)

    @property
    def to_acknowledge(self):
        """How many are done since `acknowledgements` were asked for."""
        return len(self._acked)

    def given_back(self, tag):
        """It is acknowledged in another way."""
        self._unacked.pop(tag, None)

    def acknowledgements(self):
        """The methods that acknowledge what is done since the last time."""
        acked, self._acked = self._acked, set()
        first = list(itertools.takewhile(acked.__contains__, self._unacked))
        methods = [commands.Basic.Ack(first[-1], multiple=len(first) > 1)] if first else []
        methods += [commands.Basic.Ack(tag) for tag in sorted(acked.difference(first))]
        for tag in acked:
            self._unacked.pop(tag, None)
        return methods
