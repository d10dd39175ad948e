"""A client for the few Redis and Sentinel commands that the modules need: hosts have no redis-py.

Protocol: RESP2, https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

from __future__ import annotations

import socket


class RedisError(Exception):
    """An error reply, or no usable answer within the timeout."""


class Connection:
    """One connection to a Redis or a Sentinel; `timeout` in seconds bounds each read and the connecting."""

    def __init__(self, host: str, port: int, user: str = "", password: str = "", timeout: float = 3.0):
        try:
            self._socket = socket.create_connection((host, port), timeout)
        except OSError as error:
            raise RedisError(f"{host}:{port} can't be reached: {error}") from error
        self._reader = self._socket.makefile("rb")
        if password:
            self.command("AUTH", *([user] if user else []), password)

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def command(self, *words: object):
        """Send one command and return its reply: text, integer, list of replies, or None.

        Raises:
            RedisError: the reply is an error, or none came in time.
        """
        encoded = [str(word).encode() for word in words]
        request = b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)
        try:
            self._socket.sendall(request)
            return self._reply()
        except OSError as error:
            raise RedisError(f"{words[0]}: {error}") from error

    def _reply(self):
        line = self._reader.readline().rstrip(b"\r\n")
        if not line:
            raise RedisError("the connection was closed")
        kind, rest = line[:1], line[1:].decode()
        if kind == b"-":
            raise RedisError(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == "-1" else self._reader.read(int(rest) + 2)[:-2].decode(errors="replace")
        if kind == b"*":
            return None if rest == "-1" else [self._reply() for _ in range(int(rest))]
        return rest


def pairs(flat: list) -> dict:
    """The dictionary of a reply that lists names and values in turn (CONFIG GET, SENTINEL MASTER)."""
    return dict(zip(flat[::2], flat[1::2], strict=True))
