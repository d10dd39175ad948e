"""A body that comes in chunks, read to the letter of RFC 9112, 7.1.

eventlet takes sizes such as `+d`, `0xd` and `-1`, lines that end in a bare LF or never, and whatever stands behind a
chunk. Where a balancer in front finds another end of the body, requests can be smuggled.
"""

import re

from eventlet import wsgi

LINE_MAX = 256  # bytes; more than a size only takes extensions, which nobody uses
TRAILERS_MAX = 8 * 1024  # bytes
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_TRAILER = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n")


class ChunkedInput(wsgi.Input):
    """In place of eventlet's `Input` for a chunked body; only `read` is what it should be.

    It raises `ChunkReadError` for a body that is malformed or ends early: then nothing more must be read.
    """

    def __init__(self, stock):
        super().__init__(stock.rfile, None, stock.get_socket(), stock.wfile, stock.wfile_line, chunked_input=True)
        self._left = 0  # bytes of the chunk that is being read
        self._ended = False

    def read(self, length):
        """Return so many bytes of the body; fewer only at its end."""
        if self.should_send_hundred_continue:
            self.send_hundred_continue_response()
            self.is_hundred_continue_response_sent = True
        parts = []
        while length and (self._left or self._next_chunk()):
            data = self.rfile.read(min(length, self._left))
            if not data:
                raise wsgi.ChunkReadError("the body ends within a chunk")
            parts.append(data)
            length -= len(data)
            self._left -= len(data)
            if not self._left and self.rfile.read(2) != b"\r\n":
                raise wsgi.ChunkReadError("a chunk does not end where it should")
        return b"".join(parts)

    def _next_chunk(self):
        """Return whether there is another chunk; if not, the body has been read to its end."""
        if not self._ended:
            size = _SIZE.fullmatch(self.rfile.readline(LINE_MAX))
            if not size:
                raise wsgi.ChunkReadError("a chunk does not begin with its size")
            self._left = int(size[1], 16)
            if not self._left:
                self._read_trailers()
                self._ended = True
        return not self._ended

    def _read_trailers(self):
        """Nobody asks for them."""
        left = TRAILERS_MAX
        while (line := self.rfile.readline(left)) != b"\r\n":
            if not _TRAILER.fullmatch(line):
                raise wsgi.ChunkReadError("the trailers are no header lines, too large, or end early")
            left -= len(line)
