"""One connection to Redis that many greenlets use at the same time.

Redis answers the commands of a connection in the order in which they came
(https://redis.io/docs/latest/develop/using-commands/pipelining/), so nobody has to wait for the answer to one before
the next is sent. That spares most of what redis-py's pool costs, which takes and gives back a connection for each.
"""

from collections import deque

import eventlet
from eventlet.event import Event
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError


class Lane:
    """Keeps one `_Session` at a time; the next is opened when somebody asks and there is none.

    Args:
        pool: redis-py's pool, which the connection is taken from.
        timeout: seconds that an answer may take.
    """

    def __init__(self, pool, timeout):
        self._pool, self._timeout = pool, timeout
        self._session, self._opening = None, None

    def ask(self, *commands):
        """Send commands (tuples) one right after the other; return the list of their answers, Redis's errors too.

        Raises redis-py's `ConnectionError` or `TimeoutError` if no answers come; it may be done all the same.
        """
        session = self._session
        if session is None or session.ended:
            session = self._opened()
        return session.ask(commands, self._timeout)

    def close(self):
        """End the session; whoever waits for an answer gets a `ConnectionError`."""
        if self._session:
            self._session.end(RedisConnectionError("The connection was closed."))

    def _opened(self):
        """Open a session. Whoever comes meanwhile waits for the same attempt, and shares its failure."""
        if opening := self._opening:
            session = opening.wait()
            if session is None:
                raise RedisConnectionError("The connection that was being opened could not be.")
            return session
        opening, session = Event(), None
        self._opening = opening
        try:
            session = self._session = _Session(self._pool)
            return session
        finally:
            self._opening = None
            opening.send(session)


class _Question:
    """Some commands that were sent together, and their answers so far."""

    __slots__ = ("answers", "done", "expected")

    def __init__(self, expected):
        self.expected, self.answers, self.done = expected, [], Event()


class _Session:
    """An open connection. Once it has ended it stays so: nobody knows which commands were done."""

    def __init__(self, pool):
        self._pool, self._connection = pool, pool.get_connection()
        self._asked, self._unsent = deque(), []
        self._error = None
        self._reader, self._sender = eventlet.spawn(self._read), None

    @property
    def ended(self):
        return self._error is not None

    def ask(self, commands, timeout):
        question = _Question(len(commands))
        # All before any of it is to be sent: packing raises for what can't be.
        packed = [piece for command in commands for piece in self._connection.pack_command(*command)]
        self._unsent += packed
        self._asked.append(question)
        if self._sender is None:
            self._sender = eventlet.spawn(self._send)  # when all that is ready to run now has asked
        question.done.wait(timeout)
        if not question.done.ready():
            self.end(RedisTimeoutError(f"Redis did not answer within {timeout} s."))
        if len(question.answers) < question.expected:
            raise type(self._error)(*self._error.args) from self._error
        return question.answers

    def _send(self):
        try:
            while self._unsent:
                data, self._unsent = b"".join(self._unsent), []
                self._connection.send_packed_command([data], check_health=False)
        except (RedisError, OSError, EOFError) as error:
            self.end(error)
        finally:
            self._sender = None

    def _read(self):
        try:
            while not self.ended:
                answer = self._answer()
                question = self._asked[0]
                question.answers.append(answer)
                if len(question.answers) == question.expected:
                    self._asked.popleft().done.send()
        except Exception as error:  # noqa: BLE001 - whatever it is: nobody would read the answers that follow
            self.end(error)

    def _answer(self):
        try:
            return self._connection.read_response(timeout=None, disconnect_on_error=False)
        except ResponseError as error:  # about one command; the connection is fine
            return error

    def end(self, error):
        """Settle everything that waits. Safe to call from any greenlet, and again."""
        if self.ended:
            return
        known = isinstance(error, RedisConnectionError | RedisTimeoutError)
        self._error = error if known else RedisConnectionError(str(error))
        for greenlet in (self._reader, self._sender):
            # The hub would take it for the one that waits for whatever gets the same descriptor next.
            if greenlet and greenlet is not eventlet.getcurrent():
                greenlet.kill()
        self._connection.disconnect()
        self._pool.release(self._connection)
        asked, self._asked = self._asked, deque()
        for question in asked:
            if not question.done.ready():
                question.done.send()
