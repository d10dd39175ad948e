"""A link keeps one connection to RabbitMQ up: when one ends, it opens the next and sets it up as the last was."""

import logging
import random

import eventlet
from eventlet.event import Event

from chassis.amqp.connection import Connection
from chassis.amqp.errors import AmqpError

_log = logging.getLogger(__name__)

PAUSE_MIN, PAUSE_MAX = 0.1, 2  # seconds between attempts to connect


class Link:
    """One connection after another to the same broker.

    Attributes:
        connection: the open `Connection`, or None while there is none.
        users: what was added, in order.
    """

    def __init__(self, address, *, heartbeat, name):
        """`address` is an `Address`, `heartbeat` the seconds of silence to agree upon (0: none)."""
        self.connection = None
        self._address, self._heartbeat, self._name = address, heartbeat, name
        self.users, self._watchers = [], []
        self._up, self._greenlet = Event(), None

    def add(self, user):
        """Have `user.set_up(connection)` called on each new connection, before the link counts as up, and
        `user.lost()` when that has ended. `set_up` declares and consumes what the user needs, and publishes again
        what it does not know to have arrived. In the order in which they were added.
        """
        self.users.append(user)

    def watch(self, watcher):
        """Have `watcher(event)` called with `connected`, `lost`, `blocked` or `unblocked`, for metrics."""
        self._watchers.append(watcher)

    def start(self):
        """Begin to connect, without waiting for it."""
        if self._greenlet is None:
            self._greenlet = eventlet.spawn(self._run)

    def wait(self, seconds):
        """Wait until it is up; return whether it is."""
        with eventlet.Timeout(seconds, False):
            while self.connection is None:
                self._up.wait()
        return self.connection is not None

    def stop(self):
        """Close the connection in order and open no other."""
        greenlet, self._greenlet = self._greenlet, None
        if greenlet is not None:
            greenlet.kill()
        if self.connection:
            connection, self.connection, self._up = self.connection, None, Event()
            connection.close()

    @property
    def blocked(self):
        """Why the broker takes no messages at the moment, or an empty text."""
        return self.connection.blocked if self.connection else ""

    def _run(self):
        pause = PAUSE_MIN
        while True:
            connection = None
            try:
                connection = Connection(self._address, self._heartbeat, self._name, self._tell)
                for user in self.users:
                    user.set_up(connection)
                if connection.lost.ready():
                    raise connection.lost.wait()
                self.connection, pause = connection, PAUSE_MIN
                self._up.send()
                _log.info("Connected to RabbitMQ at %s.", self._address)
                self._tell("connected")
                error = connection.lost.wait()
            except (OSError, AmqpError) as failure:
                error = failure
            except Exception as failure:  # noqa: BLE001 - whatever it is
                # A bug must not leave an instance that never connects again.
                _log.exception("A connection to RabbitMQ could not be set up.")
                error = failure
            finally:
                # Also when this greenlet is killed in the middle of a setup.
                if connection and self.connection is not connection:
                    connection.close()
            if self.connection:
                self.connection, self._up = None, Event()
                self._tell("lost")
            for user in self.users:
                user.lost()
            _log.warning(
                "RabbitMQ does not answer at %s (%s): start it or set AMQP_URI; trying again in %.1f s.",
                self._address,
                error,
                pause,
            )
            eventlet.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 - so that not all come back at once
            pause = min(2 * pause, PAUSE_MAX)

    def _tell(self, event):
        for watcher in self._watchers:
            watcher(event)
