"""Stopping: what is in flight is answered, nothing new is taken, and it ends."""

import http.client
import socket
import threading
from contextlib import ExitStack, closing, suppress

import eventlet
import pytest
from chassis.http.listener import close_gently
from chassis.testing import DEADLINE, until
from chassis.testing.served import read_all

from .tried import Service

pytestmark = pytest.mark.usefixtures("gate")

GET = b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n"


class Stopping:
    """`container.stop()`, run in the service's own thread while the test goes on."""

    def __init__(self, service):
        self.service, self.stopped = service, threading.Event()
        service.in_hub(self._stop)

    def _stop(self):
        self.service.container.stop()
        self.stopped.set()


def refused(service):
    with closing(service.connect()) as connection:
        try:
            connection.connect()
        except ConnectionRefusedError:
            return True
    return False


def test_a_request_in_flight_is_answered_and_its_connection_closed_and_no_other_taken(serve, gate):
    service = serve(Service)
    with closing(service.connect()) as connection:
        connection.request("GET", "/slow")
        until(lambda: service.container._worker_threads)
        stopping = Stopping(service)
        until(lambda: refused(service))
        assert not stopping.stopped.is_set()
        gate.set()
        response = connection.getresponse()
        assert (response.status, response.getheader("Connection"), response.read()) == (200, "close", b"done")
    assert stopping.stopped.wait(DEADLINE)


def test_who_is_connected_but_not_accepted_yet_is_not_lost():
    taken = []
    listener = eventlet.listen(("127.0.0.1", 0))
    address = listener.getsockname()
    with ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(socket.create_connection(address, DEADLINE))
        close_gently(listener, lambda sock, _address: taken.append(stack.enter_context(sock)))
    assert len(taken) == 5
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, DEADLINE)


def test_connections_between_requests_are_closed(serve, caplog):
    service = serve(Service)
    with socket.create_connection(("127.0.0.1", service.port), DEADLINE) as sock:
        sock.sendall(GET)
        assert sock.recv(65536).startswith(b"HTTP/1.1 200 ")
        stopping = Stopping(service)
        assert read_all(sock) == b""
    assert stopping.stopped.wait(DEADLINE)
    assert "are cut" not in caplog.text


def test_a_connection_that_was_made_before_is_still_answered(serve):
    """As the balancer's are that are on their way in that moment."""
    service = serve(Service)
    with ExitStack() as stack:
        address = ("127.0.0.1", service.port)
        sockets = [stack.enter_context(socket.create_connection(address, DEADLINE)) for _ in range(20)]
        stopping = Stopping(service)
        until(lambda: not service.container.subextensions.copy().pop()._is_accepting)
        for sock in sockets:
            sock.sendall(GET)
        for sock in sockets:
            received = read_all(sock)
            assert received.startswith(b"HTTP/1.1 200 ")
            assert b"Connection: close" in received
    assert stopping.stopped.wait(DEADLINE)


def test_a_request_that_never_ends_does_not_keep_it_from_stopping(serve, monkeypatch):
    monkeypatch.setattr("chassis.http.server.STOP_MARGIN", 0)
    service = serve(Service, {"RPC_TIMEOUT": 0.2})
    with socket.create_connection(("127.0.0.1", service.port), DEADLINE) as sock:
        sock.sendall(b"GET /quick HT")
        until(lambda: len(service.container._managed_threads) == 2)
        stopping = Stopping(service)
        assert stopping.stopped.wait(DEADLINE)
        with suppress(ConnectionResetError):
            assert read_all(sock) == b""


class Client(threading.Thread):
    """Asks until it is refused, on as few connections as it may; what it did not expect is in `faults`."""

    def __init__(self, service):
        super().__init__()
        self.faults, self._service = [], service

    def run(self):
        try:
            while True:
                with closing(self._service.connect()) as connection:
                    connection.connect()
                    self._ask(connection)
        except ConnectionRefusedError:
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the test wants to see it
            self.faults.append(error)

    def _ask(self, connection):
        last, first = "", True
        while last != "close":
            try:
                answer = self._service.request("GET", "/quick", connection=connection)
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                if first:
                    raise
                return  # closed between two requests: as the protocol has it, the client asks again
            assert answer.status == 200
            last, first = answer.headers.get("connection"), False


def test_under_steady_traffic_it_stops_and_no_request_on_a_new_connection_is_lost(serve):
    service = serve(Service)
    clients = [Client(service) for _ in range(8)]
    for client in clients:
        client.start()
    until(lambda: len(service.container._managed_threads) > 8)
    stopping = Stopping(service)
    assert stopping.stopped.wait(DEADLINE)
    for client in clients:
        client.join(DEADLINE)
    assert [client.faults for client in clients] == [[]] * 8
