"""A TCP proxy whose connections a test can cut, freeze and refuse: the network between a service and its broker.

It runs in a thread of the operating system, also where eventlet has patched the standard library, so that what it does
to a connection does not depend on the greenlets that are tested.
"""

from collections import deque
from contextlib import suppress

from eventlet import patcher

from chassis.testing import DEADLINE

selectors, socket, threading = (patcher.original(name) for name in ("selectors", "socket", "threading"))

READ_SIZE = 65536  # bytes
BACKLOG_MAX = 2**20  # bytes that one side may be ahead of the other
RESET = b"\1\0\0\0\0\0\0\0"  # SO_LINGER with zero seconds: close() sends RST and not FIN


class CuttableProxy:
    """Passes connections to its `port` on to another, for as long as it is used as a context manager.

    What its methods do is done when they return.
    """

    def __init__(self, port, host="127.0.0.1"):
        self._target = (host, port)
        self._selector = selectors.DefaultSelector()
        self._orders, self._pairs = deque(), set()
        self._frozen, self._stopping = frozenset(), False
        self.accepted = 0  # connections, in all

    def __enter__(self):
        # Keeps the port while nobody listens on it.
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._reserved.bind(("127.0.0.1", 0))
        self.port = self._reserved.getsockname()[1]
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ, self._obey)
        self._listener = None
        self._listen()
        self._thread = threading.Thread(target=self._run, name=f"proxy on {self.port}", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._order(self._stop)
        self._thread.join(DEADLINE)

    @property
    def connections(self):
        """How many are open."""
        return len(self._pairs)

    def cut(self, *, reset=True):
        """End every connection, at both ends: with RST or, not `reset`, with FIN. What is on its way is lost.

        New ones are accepted, if `refuse` does not keep them out.
        """
        self._order(lambda: self._cut(reset))

    def freeze(self, *, to_target=True, to_client=True):
        """Pass nothing on, in one direction or both; keep connections and accept more."""
        frozen = {name for name, is_frozen in (("to_target", to_target), ("to_client", to_client)) if is_frozen}
        self._order(lambda: self._freeze(frozenset(frozen)))

    def refuse(self):
        """Refuse new connections; those that there are stay."""
        self._order(self._close_listener)

    def heal(self):
        """Accept, and pass everything on, beginning with what was held back."""
        self._order(self._heal)

    def _run(self):
        while not self._stopping:
            for key, events in self._selector.select():
                if key.fileobj.fileno() >= 0:  # not closed by what came before it in this round
                    key.data(events)

    def _order(self, action):
        """Have the proxy's own thread do something, and wait for it: nothing of it needs a lock."""
        done = threading.Event()
        self._orders.append((action, done))
        self._wake.send(b".")
        if not done.wait(DEADLINE):
            raise TimeoutError("The proxy's thread does not answer.")

    def _obey(self, _events):
        self._woken.recv(READ_SIZE)
        while self._orders:
            action, done = self._orders.popleft()
            action()
            done.set()

    def _listen(self):
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._listener.bind(("127.0.0.1", self.port))
        self._listener.listen()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def _close_listener(self):
        if self._listener:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None

    def _accept(self, _events):
        client, _ = self._listener.accept()
        self.accepted += 1
        try:
            target = socket.create_connection(self._target, DEADLINE)
        except OSError:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.close()
            return
        self._pairs.add(_Pair(self._selector, client, target, self._forget, self._frozen))

    def _forget(self, pair):
        self._pairs.discard(pair)

    def _cut(self, reset):
        for pair in list(self._pairs):
            pair.close(reset=reset)

    def _freeze(self, frozen):
        self._frozen = frozen
        for pair in list(self._pairs):
            pair.freeze(frozen)

    def _heal(self):
        if not self._listener:
            self._listen()
        self._freeze(frozenset())

    def _stop(self):
        self._stopping = True
        self._close_listener()
        self._cut(reset=True)
        self._selector.close()
        for sock in (self._reserved, self._wake, self._woken):
            sock.close()


class _Pair:
    """A client's connection and the one to the target."""

    def __init__(self, selector, client, target, forget, frozen):
        self._selector, self._forget, self._frozen = selector, forget, frozen
        to_target = _Way(client, target)
        to_client = _Way(target, client)
        self._ways = {"to_target": to_target, "to_client": to_client}
        self._ends = {client: (to_target, to_client), target: (to_client, to_target)}
        self._watched = {}
        for sock in self._ends:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._watch()

    def freeze(self, frozen):
        self._frozen = frozen
        self._watch()

    def close(self, *, reset):
        for sock in self._ends:
            if self._watched.pop(sock, None):
                self._selector.unregister(sock)
            if reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            else:
                _drain(sock)  # the kernel sends RST where something is left unread
            sock.close()
        self._forget(self)

    def _watch(self):
        """Tell the selector what this pair waits for."""
        moving = [way for name, way in self._ways.items() if name not in self._frozen]
        for sock, (outward, inward) in self._ends.items():
            wanted = 0
            if outward in moving and not outward.ended and len(outward.backlog) < BACKLOG_MAX:
                wanted |= selectors.EVENT_READ
            if inward in moving and inward.backlog:
                wanted |= selectors.EVENT_WRITE
            before = self._watched.get(sock, 0)
            if wanted == before:
                continue
            self._watched[sock] = wanted
            if not wanted:
                self._selector.unregister(sock)
            elif before:
                self._selector.modify(sock, wanted, lambda events, sock=sock: self._move(sock, events))
            else:
                self._selector.register(sock, wanted, lambda events, sock=sock: self._move(sock, events))

    def _move(self, sock, events):
        outward, inward = self._ends[sock]
        try:
            if events & selectors.EVENT_READ:
                outward.read()
            if events & selectors.EVENT_WRITE:
                inward.write()
        except OSError:
            self.close(reset=True)
            return
        if all(way.finished for way in self._ways.values()):
            self.close(reset=False)
        else:
            self._watch()


class _Way:
    """Bytes from one end to the other."""

    def __init__(self, source, sink):
        self._source, self._sink = source, sink
        self.backlog = bytearray()
        self.ended = self.finished = False

    def read(self):
        with suppress(BlockingIOError):
            data = self._source.recv(READ_SIZE)
            self.ended = not data
            self.backlog += data
            self.write()

    def write(self):
        with suppress(BlockingIOError):
            if self.backlog:
                del self.backlog[: self._sink.send(self.backlog)]
        if self.ended and not self.backlog and not self.finished:
            self.finished = True
            with suppress(OSError):  # the other end has gone first
                self._sink.shutdown(socket.SHUT_WR)


def _drain(sock):
    with suppress(OSError):
        while sock.recv(READ_SIZE):
            pass
