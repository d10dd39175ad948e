"""A service that answers on a real port of this process."""

import http.client
import queue
import socket
import threading

import eventlet
from nameko.testing.services import replace_dependencies
from nameko.utils.concurrency import SpawningSet

from chassis.container import ServiceContainer
from chassis.http.server import WebServer
from chassis.prove.subject import Answer as HttpAnswer
from chassis.testing import DEADLINE

CONFIG = {"AMQP_URI": "amqp://nobody.invalid/", "WEB_SERVER_ADDRESS": "127.0.0.1:0"}


class Answer(HttpAnswer):
    """An HTTP answer, and the form that the application's errors have."""

    @property
    def error(self):
        """The code of an error; `ValueError` if it does not have the form that all errors have."""
        content = self.json
        if content.keys() != {"error"} or content["error"].keys() != {"code", "message"}:
            raise ValueError(f"not an error's body: {self.body}")
        return content["error"]["code"]


def read_all(sock):
    """Return what comes from a socket until its other end is closed."""
    received = b""
    while data := sock.recv(65536):
        received += data
    return received


class Served:
    """A service in a thread, with its eventlet hub, as the tests see it: an address."""

    def __init__(self, service_cls, config, dependencies):
        self._started, self._stopping = threading.Event(), threading.Event()
        self._jobs = queue.SimpleQueue()
        self.container = self._error = None
        self._thread = threading.Thread(target=self._run, args=(service_cls, config, dependencies), daemon=True)
        self._thread.start()
        self._started.wait(DEADLINE)
        if self._error:
            raise self._error

    def _run(self, service_cls, config, dependencies):
        try:
            self.container = ServiceContainer(service_cls, {**CONFIG, **config})
            replace_dependencies(self.container, **dependencies)
            # Nothing speaks AMQP here: what needs a broker is tested on the lab, with a real one.
            self.container.subextensions = SpawningSet(
                extension for extension in self.container.subextensions if isinstance(extension, WebServer)
            )
            self.container.start()
            (server,) = self.container.subextensions
            self.port = server._sock.getsockname()[1]
        except Exception as error:  # noqa: BLE001 - raised again in the test's thread
            self._error = error
            return
        finally:
            self._started.set()
        while not self._stopping.is_set() or not self._jobs.empty():
            while not self._jobs.empty():
                eventlet.spawn(self._jobs.get())
            eventlet.sleep(0.01)
        self.container.kill()

    def in_hub(self, job):
        """Have the service's thread run something, in a greenlet of its own."""
        self._jobs.put(job)

    def stop(self):
        self._stopping.set()
        self._thread.join(DEADLINE)

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)

    def request(self, method, path, body=None, headers=(), connection=None):
        own = connection or self.connect()
        own.request(method, path, body.encode() if isinstance(body, str) else body, dict(headers))
        response = own.getresponse()
        answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        if not connection:
            own.close()
        return answer

    def raw(self, sent):
        """Send bytes and the end of the stream; return all that comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), DEADLINE) as sock:
            sock.sendall(sent)
            sock.shutdown(socket.SHUT_WR)
            return read_all(sock)
