"""The HTTP listener of an instance: Nameko's WebServer, made safe to leave alone with hostile clients."""

import logging
import socket
import time
from contextlib import suppress
from functools import partial

import eventlet
from eventlet import wsgi
from eventlet.event import Event
from nameko.exceptions import ConfigurationError
from nameko.extensions import ProviderCollector
from nameko.web.server import WebServer as NamekoWebServer

from chassis.http.app import App
from chassis.http.listener import close_gently
from chassis.http.overload import Slots
from chassis.http.protocol import Protocol
from chassis.rpc.deadline import timeout_setting

_log = logging.getLogger(__name__)

ACCEPT_PAUSE = 0.1  # seconds until the next try
BACKLOG = 512  # connections that wait to be accepted
FIRST_REQUEST = 1  # seconds that a new connection gets for its first request when the server stops
KEEPALIVE = 75  # seconds that an idle connection stays open
POLL = 0.05  # seconds
RPC_TIMEOUT = 10  # seconds, where there is no setting of that name
SOCKET_TIMEOUT = 30  # seconds that a client may stay silent within a request
STOP_MARGIN = 2  # seconds beyond RPC_TIMEOUT that requests in flight have when the server stops


class WebServer(NamekoWebServer):
    """One listener a container, for the service's HTTP entrypoints (if any) and for /health and /ready."""

    def __init__(self):
        super().__init__()
        self.answers = None  # what requests with an Idempotency-Key were answered
        self._connections = set()
        self._drained = None

    def setup(self):
        config = self.container.config
        self.slots = Slots.from_config(config, self.container.max_workers)
        # Not in `start`, where Nameko waits for the broker: an error would stay unseen as long as that is down.
        try:
            # Without SO_REUSEPORT, which eventlet sets by default: with it two processes can listen on one
            # port, and a check of the one is answered by the other.
            self._sock = eventlet.listen(self.bind_addr, backlog=BACKLOG, reuse_port=False)
        except OSError as error:
            address = "{}:{}".format(*self.bind_addr)
            raise ConfigurationError(
                f"Can't listen on {address} ({error.strerror}): end what uses it or set WEB_SERVER_ADDRESS."
            ) from error
        self._sock.settimeout(None)  # as Nameko does: https://github.com/celery/kombu/issues/838

    def start(self):
        # Every entrypoint has registered by now.
        if any(getattr(provider, "idempotent", False) for provider in self._providers):
            self.answers = self._make_answers()
        self._serv = self.get_wsgi_server(self._sock, self.get_wsgi_app())
        self._gt = self.container.spawn_managed_thread(self.run)
        _log.info("Listening on %s:%d.", *self._sock.getsockname())

    def _make_answers(self):
        from chassis.http.idempotency import Answers  # needs Redis's client: fleet-chassis[redis]

        uri = self.container.config.get("REDIS_URIS", {}).get("redis")
        if not uri:
            raise ConfigurationError(
                f"{self.container.service_name} keeps answers to requests with an Idempotency-Key in Redis: set "
                "REDIS_URIS to a mapping of redis to a URI such as redis://127.0.0.1:6379/0."
            )
        return Answers(uri, self._rpc_timeout)

    @property
    def _rpc_timeout(self):
        return timeout_setting(self.container.config, "RPC_TIMEOUT", RPC_TIMEOUT)

    def run(self):
        while self._is_accepting:
            try:
                self._take(*self._sock.accept())
            except OSError as error:
                # Most likely out of file descriptors. They come back when connections end; the container must not.
                _log.error("A connection can't be accepted: %s", error)
                eventlet.sleep(ACCEPT_PAUSE)

    def _take(self, sock, address):
        sock.settimeout(self._serv.socket_timeout)
        self.container.spawn_managed_thread(partial(self.process_request, sock, address))

    def drain(self):
        """Take no more connections, and return when the requests in flight are answered, or their time is up.

        Whatever was sent before is answered, with `Connection: close`. A connection that waits between requests is
        closed; one that has not seen a request yet gets a moment for it. For the first caller of several; the others
        wait with it.
        """
        if self._drained:
            self._drained.wait()
            return
        self._drained = Event()
        try:
            if self._gt:
                self._stop_accepting()
                self._finish(time.monotonic() + self._rpc_timeout + STOP_MARGIN)
        finally:
            if self._sock:
                self._sock.close()
            self._drained.send()

    def _stop_accepting(self):
        self._is_accepting = False
        self._gt.kill()
        self._serv.keepalive = False  # eventlet then says `Connection: close`, and does
        close_gently(self._sock, self._take)

    def _finish(self, deadline):
        while self._connections and time.monotonic() < deadline:
            for connection in self._connections:
                connection.close_if_idle()
            eventlet.sleep(POLL)
        if self._connections:
            _log.warning("%d connections are cut: their requests took too long.", len(self._connections))

    def stop(self):
        self.drain()
        ProviderCollector.stop(self)

    def get_wsgi_app(self):
        return App(self.container, self._providers)

    def get_wsgi_server(self, sock, wsgi_app, protocol=Protocol, debug=False):
        server = wsgi.Server(
            sock,
            sock.getsockname(),
            wsgi_app,
            protocol=protocol,
            debug=debug,
            log_output=False,  # the application logs each request
            keepalive=KEEPALIVE,
            socket_timeout=SOCKET_TIMEOUT,
        )
        server.capitalize_response_headers = False  # they are as they should be; as an argument it would warn
        return server

    def process_request(self, sock, address):
        connection = _Connection(sock, address)
        self._connections.add(connection)
        try:
            self._serv.process_request(connection.state)
        except OSError as error:
            _log.debug("A connection from %s broke: %s", address, error)
        except Exception:  # noqa: BLE001 - it is logged; raised from a managed thread it would end the container
            _log.exception("A connection from %s was dropped.", address)
        finally:
            self._connections.discard(connection)
            sock.close()

    def context_data_from_headers(self, request):
        """What goes with the calls that a request causes."""
        return {"request_id": request.id}


class _Connection:
    """A client's connection, in the form that eventlet's server keeps it: `state` is address, socket, state."""

    def __init__(self, sock, address):
        self.state = [address, sock, wsgi.STATE_IDLE]
        self._accepted = time.monotonic()
        self._closed = False

    def close_if_idle(self):
        """Close it if it waits for a request. One that has arrived already is still read, and answered."""
        _, sock, state = self.state
        if self._closed or state != wsgi.STATE_IDLE:
            return
        if time.monotonic() - self._accepted < FIRST_REQUEST:
            return
        self._closed = True
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RD)
