"""The opening of a connection to RabbitMQ: who we are, and what both sides agree upon (specification 2.2.4)."""

from dataclasses import dataclass

import eventlet
from eventlet.green import socket
from pamqp import commands

from chassis.amqp import frames
from chassis.amqp.errors import AmqpError, ConnectionLost

TIMEOUT = 5  # seconds, for the whole of it
FRAME_MAX = 131072  # bytes; what RabbitMQ suggests
READ_SIZE = 65536  # bytes

_CAPABILITIES = {
    "publisher_confirms": True,
    "consumer_cancel_notify": True,
    "basic.nack": True,
    "connection.blocked": True,
    "authentication_failure_close": True,
}


@dataclass(frozen=True)
class Opened:
    """An open connection's socket, what decodes what comes from it, and what was agreed upon."""

    socket: socket.socket
    decoder: frames.Decoder
    heartbeat: int  # seconds; 0 for none
    frame_max: int  # bytes


def opened(address, heartbeat, name):
    """Connect to an `Address` and return what is `Opened`; `heartbeat` and `name` as in `connection.Connection`.

    `AmqpError` with the broker's reason if it refuses, `ConnectionLost` or `OSError` if it does not answer in time.
    """
    with eventlet.Timeout(TIMEOUT, ConnectionLost("it does not greet in time")):
        sock = socket.create_connection((address.host, address.port))
        try:
            return _Opening(sock).agree(address, heartbeat, name)
        except BaseException:
            sock.close()
            raise


class _Opening:
    """The talk on one socket, in which each side waits for the other."""

    def __init__(self, sock):
        self._socket, self._decoder = sock, frames.Decoder()

    def agree(self, address, heartbeat, name):
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(frames.PROTOCOL_HEADER)
        self._expect(commands.Connection.Start)
        client = {"product": "Nameko Fleet chassis", "connection_name": name, "capabilities": _CAPABILITIES}
        login = f"\0{address.user}\0{address.password}"
        self._reply(commands.Connection.StartOk(client, "PLAIN", login, "en_US"))
        tune = self._expect(commands.Connection.Tune)
        heartbeat = min(filter(None, (heartbeat, tune.heartbeat)), default=0) if heartbeat else 0
        self._decoder.frame_max = frame_max = min(filter(None, (FRAME_MAX, tune.frame_max)))
        self._reply(commands.Connection.TuneOk(1, frame_max, heartbeat))
        self._reply(commands.Connection.Open(address.vhost))
        self._expect(commands.Connection.OpenOk)
        return Opened(self._socket, self._decoder, heartbeat, frame_max)

    def _reply(self, method):
        self._socket.sendall(frames.method(method, 0))

    def _expect(self, expected):
        """The broker's next frame; it sends one at a time."""
        while True:
            data = self._socket.recv(READ_SIZE)
            if not data:
                raise ConnectionLost("it closed the connection")
            for frame in self._decoder.feed(data):
                if isinstance(frame, commands.Connection.Close):
                    raise AmqpError(frame.reply_text)
                if not isinstance(frame, expected):
                    raise AmqpError(f"it sent {frame.name} instead of {expected.name}")
                return frame
