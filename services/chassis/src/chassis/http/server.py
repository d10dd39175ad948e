"""The HTTP listener of an instance: Nameko's WebServer, made safe to leave alone with hostile clients."""

import logging
from functools import partial

import eventlet
from eventlet import wsgi
from nameko.exceptions import ConfigurationError
from nameko.web.server import WebServer as NamekoWebServer

from chassis.http.app import App
from chassis.http.protocol import Protocol

_log = logging.getLogger(__name__)

ACCEPT_PAUSE = 0.1  # seconds until the next try
BACKLOG = 512  # connections that wait to be accepted
KEEPALIVE = 75  # seconds that an idle connection stays open
SOCKET_TIMEOUT = 30  # seconds that a client may stay silent within a request


class WebServer(NamekoWebServer):
    """One listener a container, for the service's HTTP entrypoints (if any) and for /health and /ready."""

    def setup(self):
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
        self._serv = self.get_wsgi_server(self._sock, self.get_wsgi_app())
        self._gt = self.container.spawn_managed_thread(self.run)
        _log.info("Listening on %s:%d.", *self._sock.getsockname())

    def run(self):
        while self._is_accepting:
            try:
                sock, address = self._sock.accept()
            except OSError as error:
                # Most likely out of file descriptors. They come back when connections end; the container must not.
                _log.error("A connection can't be accepted: %s", error)
                eventlet.sleep(ACCEPT_PAUSE)
                continue
            sock.settimeout(self._serv.socket_timeout)
            self.container.spawn_managed_thread(partial(self.process_request, sock, address))

    def get_wsgi_app(self):
        return App(self.container, self._providers)

    def get_wsgi_server(self, sock, wsgi_app, protocol=Protocol, debug=False):
        return wsgi.Server(
            sock,
            sock.getsockname(),
            wsgi_app,
            protocol=protocol,
            debug=debug,
            log_output=False,  # the application logs each request
            keepalive=KEEPALIVE,
            socket_timeout=SOCKET_TIMEOUT,
        )

    def process_request(self, sock, address):
        try:
            super().process_request(sock, address)
        except OSError as error:
            _log.debug("A connection from %s broke: %s", address, error)
        except Exception:  # noqa: BLE001 - it is logged; raised from a managed thread it would end the container
            _log.exception("A connection from %s was dropped.", address)
        finally:
            sock.close()

    def context_data_from_headers(self, request):
        return {"request_id": request.id}
