"""A service that answers with what it is given, and a peer that sends it what it likes."""

import eventlet
from chassis.rpc import rpc
from chassis.rpc.requests import Requests

from .conftest import SECONDS, Raw, eventually


class OddError(Exception):
    pass


class NoRepr:
    def __repr__(self):
        raise RuntimeError("no repr")


class Echo:
    name = "echo_service"

    @rpc
    def echo(self, value):
        return value

    @rpc
    def size(self, value):
        return len(value)

    @rpc
    def large(self, size):
        return "x" * size

    @rpc
    def large_and_odd(self, size):
        return ["x" * size, object()]

    @rpc
    def large_error(self, size):
        raise RuntimeError("x" * size)

    @rpc
    def odd_error(self):
        raise OddError(object())

    @rpc
    def odd(self):
        return {"no repr": NoRepr()}


class Echoing:
    def __init__(self, here, container):
        self.uri = here.uri
        self.raw, self.calls = here.raw(), here.calls(ACCEPT=["json", "pickle"])
        self.proxy = self.calls.echo_service
        self.link = next(one.link for one in container.extensions if hasattr(one, "link"))
        (self.requests,) = (user for user in self.link.users if isinstance(user, Requests))
        self.connection = self.link.connection

    def send_frames(self, *sent):
        """Over a connection that RabbitMQ may end because of it."""
        sender = Raw(self.uri)
        sender.send_frames(*sent)
        sender.close()

    def check(self):
        """It answers a good call, on the connection that it had, and holds on to nothing."""
        with eventlet.Timeout(SECONDS):
            assert self.proxy.echo("still here") == "still here"
            eventually(lambda: not self.requests._in_hand and not self.requests._backlog)
        assert self.link.connection is self.connection
        assert not self.connection.lost.ready()
