"""HTTP as it is read from a connection, before there is a request to answer.

eventlet answers what it can't parse with an empty body or a page of HTML, and takes some lengths that a balancer
in front may read otherwise, which is how requests are smuggled. Here each of these is refused, in JSON.
"""

import logging
import socket
import time
import uuid
from contextlib import closing, nullcontext, suppress
from http import HTTPStatus

from eventlet import Timeout, wsgi
from nameko.web.server import HttpOnlyProtocol

from chassis import metrics
from chassis.http import body, head
from chassis.http.chunks import ChunkedInput
from chassis.http.errors import error_body
from chassis.http.reply import Reply

_log = logging.getLogger(__name__)

HEAD_TIMEOUT = 30  # seconds for a client to send the whole head of a request
LINGER = 1  # seconds in which a client may take a refusal before the connection ends


class Protocol(HttpOnlyProtocol):
    """eventlet's protocol, stricter about heads, with every refusal in JSON."""

    def _read_request_line(self):
        """Read the whole head, and return its first line; nothing if there is no request."""
        begun = self._first_bytes()
        if not begun:
            return ""
        # A head that is there already, as most are, needs no timer, which takes longer than to read it.
        limit = nullcontext() if head.END in begun else Timeout(HEAD_TIMEOUT, TimeoutError)
        try:
            with limit:
                return self._read_head()
        except head.HeadError as error:
            self._refuse(*error.args)
        except TimeoutError:
            self._refuse(408, "request_timeout", "The head of the request did not arrive in time.")
        return ""

    def _first_bytes(self):
        """Wait for a request, and leave it unread. A connection on which there is none for long ends without a word."""
        if self.server.keepalive:
            self.connection.settimeout(self.server.keepalive)
        begun = self.rfile.peek()
        self.connection.settimeout(self.server.socket_timeout)
        return begun

    def _read_head(self):
        line = self.rfile.readline(head.LINE_MAX)
        if line == b"\r\n":  # which some clients send after a body: RFC 9112, 2.2
            line = self.rfile.readline(head.LINE_MAX)
            if not line:
                return ""
        self.conn_state[2] = wsgi.STATE_REQUEST
        self._head = head.read(line, self.rfile)
        return line

    def parse_request(self):
        """In place of the standard library's, and sets what that sets; returns whether there is a request."""
        found = self._head
        self.requestline = self.raw_requestline.decode("latin-1").rstrip("\r\n")
        self.command, self.headers, self.request_version = found.method, found.headers, f"HTTP/{found.version}"
        self.path = found.target
        asked = {one.strip().lower() for value in found.headers.get_all("connection") for one in value.split(",")}
        self.close_connection = "close" in asked or (found.version == "1.0" and "keep-alive" not in asked)
        return True

    def handle_one_response(self):
        """As eventlet's, in a third of the time for a complete answer of ours; anything else is left to eventlet."""
        answer = self.server.app.answer(self.environ)
        if not isinstance(answer, Reply):
            self.application = answer
            super().handle_one_response()
            return
        request_input = self.environ["eventlet.input"]
        # A client that waits for `100 Continue` may send its body or not: nobody knows where its next request is, nor
        # where a body ends that can't be read.
        lost = request_input.should_send_hundred_continue or body.UNREADABLE in self.environ
        if lost or not self.server.keepalive:
            self.close_connection = True
        more = [f"Date: {wsgi.format_date_time(time.time())}"]
        if self.close_connection:
            more.append("Connection: close")
        elif self.request_version == "HTTP/1.0":
            more.append("Connection: keep-alive")  # it asked for that, or it would be closed
        self.wfile.write(answer.encoded(self.command, *more))
        self.wfile.flush()
        unread = request_input.chunked_input or request_input.position < request_input.content_length
        if unread and not self.close_connection:
            try:
                request_input.discard()
            except (OSError, ValueError):
                self.close_connection = True

    def _refuse(self, status, code, message):
        """Answer without asking the application, and end the connection: nobody knows where its next request is."""
        request_id = uuid.uuid4().hex
        content = error_body(code, message)
        self.wfile.write(
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
            f"X-Request-ID: {request_id}\r\nConnection: close\r\n\r\n".encode()
            + content
        )
        self.wfile.flush()
        self.close_connection = True
        metrics.refused(status)
        self._linger()
        extra = {"event": "request", "status": status, "request_id": request_id, "client": self.client_address[0]}
        _log.info("A request was refused: %s", message, extra=extra)

    def _linger(self):
        """Read what the client still sends: closing on unread bytes would reset the connection under our answer."""
        with suppress(OSError), Timeout(LINGER, False):
            self.connection.shutdown(socket.SHUT_WR)
            while self.connection.recv(16 * 1024):
                pass

    def finish(self):
        # On a connection that broke the standard library leaves `rfile` open, and with it the socket.
        with closing(self.rfile):
            super().finish()

    def get_environ(self):
        environ = super().get_environ()
        if environ["eventlet.input"].chunked_input:
            environ["wsgi.input"] = environ["eventlet.input"] = ChunkedInput(environ["eventlet.input"])
        environ["eventlet.input"].discard = lambda: body.discard(environ)
        return environ
