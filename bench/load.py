"""Asks a gateway for airports over HTTP/1.1, checks every answer, and says how long they took.

Standard library only, in one file: it runs as it is on a host that has nothing but Python. A job comes on standard
input, the result goes to standard output, both JSON. It uses sockets directly, for whatever it takes of the two cores
its contestants lack: about 0.03 ms a request.

    {"host": "10.77.0.21", "port": 8119, "connections": 16, "seconds": 8, "warmup": 1, "mix": ["GET"], "rate": null}

`seeds` are the airports that GETs ask for, as an earlier result gave them; without any some are made first. `mix` is
repeated in turn. Without `rate` each connection asks again as soon as it has its answer (closed loop); with it
that many requests a second are due whatever the answers do (open loop), each timed from when it was due, so that
waiting for a free connection counts.

A 503 with Retry-After is a refusal, counted apart from errors; its connection rests as long as it is told to.
"""

import collections
import heapq
import json
import re
import select
import socket
import sys
import time

SEEDS = 20  # airports which the GETs ask for in turn
PATIENCE = 15  # seconds for one answer
ERRORS = 200  # after so many the rest would tell nothing new
BACKLOG = 1000  # requests due with no connection free; more are dropped, and counted as errors
CHECKED = 5  # airports made during the job that are read at its end
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RETRY_AFTER = re.compile(rb"\r\nretry-after: *(\d+)", re.IGNORECASE)
_ID = re.compile(r'"?([0-9a-f]{32})"?\s*')


class Connection:
    """One kept open, with at most one request under way."""

    def __init__(self, address):
        self._address = address
        self.opened = -1  # how often again
        self.open()

    def open(self):
        self.socket = socket.create_connection(self._address, timeout=5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""
        self.opened += 1
        self.due = self.expected = None

    def ask(self, request, expected, due):
        """Send a request; the time of its answer counts from `due`."""
        self.expected, self.due = expected, due
        self.socket.sendall(request)  # far smaller than a socket's buffer

    def receive(self):
        """What has come is one whole answer: its status, headers and body. Else None; ConnectionError at the end."""
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError("the connection was closed before an answer")
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return None
        length = _LENGTH.search(self._received, 0, end)
        if not length:
            raise ConnectionError("an answer has no Content-Length")
        whole = end + 4 + int(length[1])
        if len(self._received) < whole:
            return None
        if len(self._received) > whole:
            raise ConnectionError("more came than one answer")
        head, body = self._received[:end], self._received[end + 4 :]
        self._received = b""
        return int(head[9:12]), head, body


class Airports:
    """What to ask, and whether an answer is right."""

    def __init__(self, seeds):
        self.seeds = seeds  # pairs of id and name
        self.made = collections.deque(maxlen=CHECKED)
        self._number = 0

    def get(self):
        self._number += 1
        return self.reading(*self.seeds[self._number % len(self.seeds)])

    @staticmethod
    def reading(airport_id, name):
        return f"GET /airport/{airport_id} HTTP/1.1\r\nHost: bench\r\n\r\n".encode(), ("GET", name)

    def post(self):
        self._number += 1
        name = f"Airport {self._number}"
        body = json.dumps({"airport": name})
        head = f"POST /airport HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        return f"{head}\r\n\r\n{body}".encode(), ("POST", name)

    def keep_as_seed(self):
        self.seeds.append(self.made.pop())

    def problem(self, expected, status, body):
        """What is wrong with an answer, None when it is right."""
        method, name = expected
        if method == "GET":
            try:
                right = status == 200 and json.loads(body) == {"airport": name}
            except ValueError:
                right = False
        else:
            found = _ID.fullmatch(body.decode("utf-8", "replace"))
            right = status in (200, 201) and found is not None
            if right:
                self.made.append((found[1], name))
        return None if right else f"{method}: {status} {body[:200].decode('utf-8', 'replace')}"


class Job:
    """One run of the generator."""

    def __init__(self, job):
        self._job = job
        self._airports = Airports(job.get("seeds", []))
        self._ask = {"GET": self._airports.get, "POST": self._airports.post}
        self._mix = job["mix"]
        self._asked = self._answered = self._refused = self._errors = 0
        self._samples, self._latencies = [], []
        self._backlog = collections.deque()  # when requests were due that wait for a connection
        self._free = collections.deque()
        self._busy = 0
        self._resting = []  # heap of when it is over, and of which connection

    def run(self):
        job = self._job
        self._connections = {}
        self._poll = select.epoll()
        try:
            for _ in range(job["connections"]):
                self._register(Connection((job["host"], job["port"])))
            if not self._airports.seeds:
                self._seed()
            began, cpu = time.perf_counter(), time.process_time()
            self._begins = began + job["warmup"]
            self._ends = self._begins + job["seconds"]
            self._loop(began)
            seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
            if not self._errors:
                self._read_again()
        finally:
            for connection in self._connections.values():
                connection.socket.close()
            self._poll.close()
        return self._result(seconds, cpu)

    def _register(self, connection):
        self._connections[connection.socket.fileno()] = connection
        self._poll.register(connection.socket, select.EPOLLIN)

    def _seed(self):
        connection = next(iter(self._connections.values()))
        for _ in range(SEEDS):
            self._at_once(connection, *self._airports.post())
            self._airports.keep_as_seed()

    def _read_again(self):
        connection = next(iter(self._connections.values()))
        for airport in list(self._airports.made):
            self._at_once(connection, *self._airports.reading(*airport))
            self._answered += 1

    def _at_once(self, connection, request, expected):
        """Ask outside the measurement, and give up on a wrong answer."""
        connection.ask(request, expected, 0)
        while not (answer := connection.receive()):
            pass
        if problem := self._airports.problem(expected, answer[0], answer[2]):
            raise SystemExit(f"The gateway at {self._job['host']}:{self._job['port']} answers wrongly: {problem}")

    def _loop(self, began):
        rate = self._job["rate"]
        self._free.extend(self._connections.values())
        due = swept = now = began
        while (now < self._ends or self._busy) and self._errors < ERRORS:
            while self._resting and self._resting[0][0] <= now:
                self._free.append(heapq.heappop(self._resting)[2])
            wait = 0.5
            if now < self._ends:
                if rate:
                    due = self._enqueue(due, now, 1 / rate)
                    wait = min(wait, max(0, due - now))
                while self._free and (self._backlog or not rate):
                    self._send(self._free.popleft(), self._backlog.popleft() if rate else now)
                if self._resting:
                    wait = min(wait, max(0, self._resting[0][0] - now))
            for number, _ in self._poll.poll(wait):
                self._take(self._connections[number])
            now = time.perf_counter()
            if now - swept > 1:
                swept = now
                self._sweep(now)

    def _sweep(self, now):
        """Give up on answers that take too long."""
        for connection in list(self._connections.values()):
            if connection.due is not None and now - connection.due > PATIENCE:
                self._fail(connection, f"no answer within {PATIENCE} s")

    def _enqueue(self, due, now, interval):
        """Put what has become due by now into the backlog; return when the next is."""
        while due <= now:
            if len(self._backlog) < BACKLOG:
                self._backlog.append(due)
            else:
                self._note("more requests due than the backlog holds")
            due += interval
        return due

    def _send(self, connection, due):
        request, expected = self._ask[self._mix[self._asked % len(self._mix)]]()
        self._asked += 1
        self._busy += 1
        try:
            connection.ask(request, expected, due)
        except OSError:
            # It was closed while idle, which a server may do at any time.
            self._reopen(connection)
            connection.ask(request, expected, due)

    def _take(self, connection):
        """Take what has come, which may be an answer, a part of one, or the end of the connection."""
        try:
            answer = connection.receive()
        except OSError as error:
            if connection.due is None:
                self._reopen(connection)
            else:
                self._fail(connection, str(error))
            return
        if answer is None:
            return
        now, (status, head, body) = time.perf_counter(), answer
        self._answered += 1
        self._busy -= 1
        rest = _RETRY_AFTER.search(head) if status == 503 else None
        if rest:
            self._refused += 1
        elif problem := self._airports.problem(connection.expected, status, body):
            self._note(problem)
        elif self._begins <= now <= self._ends:
            self._latencies.append(now - connection.due)
        connection.due = None
        if b"onnection: close" in head:
            self._reopen(connection)
        if rest:
            heapq.heappush(self._resting, (now + int(rest[1]), id(connection), connection))
        else:
            self._free.append(connection)

    def _fail(self, connection, reason):
        self._note(f"{connection.expected[0]}: {reason}")
        self._busy -= 1
        self._reopen(connection)
        self._free.append(connection)

    def _reopen(self, connection):
        self._poll.unregister(connection.socket)
        del self._connections[connection.socket.fileno()]
        connection.socket.close()
        connection.open()
        self._register(connection)

    def _note(self, problem):
        self._errors += 1
        if len(self._samples) < 3:
            self._samples.append(problem)

    def _result(self, seconds, cpu):
        ordered = sorted(self._latencies)

        def percentile(share):
            return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 3) if ordered else None

        return {
            "rate": round(len(ordered) / self._job["seconds"], 2),
            "p50_ms": percentile(0.5),
            "p99_ms": percentile(0.99),
            "max_ms": percentile(1),
            "counted": len(ordered),
            "answered": self._answered,  # from the first request to the last, the warm-up included
            "refused": self._refused,
            "errors": self._errors,
            "samples": self._samples,
            "reopened": sum(connection.opened for connection in self._connections.values()),
            "seeds": self._airports.seeds,
            "took_s": round(seconds, 3),
            "load_cpu_s": round(cpu, 3),
        }


def main():
    job = json.load(sys.stdin)
    try:
        json.dump(Job(job).run(), sys.stdout)
    except OSError as error:
        raise SystemExit(f"The gateway at {job['host']}:{job['port']} can't be asked: {error}") from None


if __name__ == "__main__":
    main()
