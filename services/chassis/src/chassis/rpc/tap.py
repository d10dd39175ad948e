"""The consumer of one queue, opened and closed at will while connections come and go."""

from contextlib import suppress

from eventlet.semaphore import Semaphore

from chassis.amqp import AmqpError


class Tap:
    """Gives messages of a queue to `on_message`, at most `limit` unacknowledged, while it is wanted open.

    Whoever opens or closes it and who sets up a new connection are greenlets of their own, and may meet: each does
    what is wanted when its turn comes.
    """

    def __init__(self, on_message, limit, wanted):
        self._on_message, self._limit, self._wanted = on_message, limit, wanted
        self._queue = self._connection = self._tag = None
        self._turn = Semaphore()

    @property
    def open(self):
        """Whether messages come."""
        return self._tag is not None

    def set_up(self, connection, queue):
        """Go on with a queue on a new connection."""
        self._queue, self._connection, self._tag = queue, connection, None
        self._follow()

    def lost(self):
        """The connection has ended, and with it the consumer."""
        self._connection = self._tag = None

    def want(self, wanted):
        """Open or close it, now and on each connection to come. Returns when no message comes any more, if closed."""
        self._wanted = wanted
        with suppress(AmqpError):  # a connection that ends takes its consumer with it, and the next is set up anew
            self._follow()

    def _follow(self):
        with self._turn:
            while (connection := self._connection) and self._wanted != self.open:
                if self._wanted:
                    tag = connection.consume(self._queue, self._on_message, prefetch=self._limit)
                    if connection is self._connection:  # it may have been lost since
                        self._tag = tag
                else:
                    connection.cancel(self._tag)
                    if connection is self._connection:
                        self._tag = None
