"""Calls for services that are tested without a container: each a new one, or the same again."""

import uuid
from contextlib import contextmanager

from chassis.calls import CurrentCall


class Calls(CurrentCall):
    """Stands in for `Call()`: each use is a call of its own, but in a `repeated` block, where all are the same."""

    def __init__(self):
        self._repeated = None

    @property
    def id(self):
        return self._repeated or str(uuid.uuid4())

    def repeated(self):
        return self.under(str(uuid.uuid4()))

    @contextmanager
    def under(self, call_id):
        """In the block all calls have this id."""
        self._repeated = call_id
        try:
            yield self._repeated
        finally:
            self._repeated = None
