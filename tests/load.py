"""Steady open-loop load on the application, from a client that checks every answer."""

import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import requests

TIMEOUT = 15  # seconds for one request
RETRY_AFTER = 1  # seconds until a request is repeated, where its answer doesn't say
PAGE = 200


@dataclass
class Load:
    """Sends `rate` rounds a second, each `POST /airport`, `GET` of what it made, and `GET /hello/NAME`.

    With `trips` also `POST /trip` from the first airport to that, and `GET` of it. With `repeats` what fails is asked
    once more, under the same `Idempotency-Key`, when its answer says so.

    Rounds start on time whether or not earlier ones are answered (open loop), so that a stall shows as failures and
    not as fewer requests. Use it as a context manager; read the results after the block.
    """

    base_url: str
    rate: float = 10
    writes: bool = True  # else only the `GET /hello/NAME`
    trips: bool = False
    repeats: bool = False
    sent: int = 0
    failures: list = field(default_factory=list)  # what went wrong, a line each
    repeated: list = field(default_factory=list)  # what went wrong at its first try, whatever came of the second
    named: set = field(default_factory=set)  # each name that an airport was to get
    written: dict = field(default_factory=dict)  # id to name of each acknowledged write
    greetings: Counter = field(default_factory=Counter)  # answers of /hello, with the name taken out
    first_seen: dict = field(default_factory=dict)  # each of these answers to when it first came (epoch seconds)

    def __enter__(self):
        self._end = threading.Event()
        self._pool = ThreadPoolExecutor(max_workers=64)
        self._clock = threading.Thread(target=self._tick)
        self._clock.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        self._clock.join()
        self._pool.shutdown()

    def _tick(self):
        due = time.monotonic()
        while not self._end.wait(max(0.0, due - time.monotonic())):
            self._pool.submit(self._round)
            due += 1 / self.rate

    def _ask(self, method, path, **options):
        """The answer if it is a 200, else None."""
        self.sent += 1
        if not self.repeats:
            answer, _ = self._try(self.failures, method, path, options)
            return answer
        if method == "POST":  # else the edge gives it a key
            options["headers"] = {"Idempotency-Key": uuid.uuid4().hex}
        answer, pause = self._try(self.repeated, method, path, options)
        if answer is None:
            time.sleep(pause)
            answer, _ = self._try(self.failures, method, path, options)
        return answer

    def _try(self, wrong, method, path, options):
        """The answer if it is a 200, else None and a line in `wrong`; and how many seconds to wait for another try."""
        try:
            answer = requests.request(method, self.base_url + path, timeout=TIMEOUT, **options)
        except requests.RequestException as error:
            wrong.append(f"{method} {path}: {error}")
            return None, RETRY_AFTER
        if answer.status_code == 200:
            return answer, 0
        wrong.append(f"{method} {path}: {answer.status_code} {answer.text}")
        return None, float(answer.headers.get("Retry-After", RETRY_AFTER))

    def _round(self):
        name = uuid.uuid4().hex
        self.named.add(name)
        if self.writes and (created := self._ask("POST", "/airport", json={"airport": name})):
            self.written[created.text] = name
            read = self._ask("GET", f"/airport/{created.text}")
            if read and read.json() != {"airport": name}:
                self.failures.append(f"GET /airport/{created.text}: {read.text} instead of {name}")
            if self.trips:
                self._travel(next(iter(self.written)), created.text)
        if greeted := self._ask("GET", f"/hello/{name}"):
            greeting = greeted.text.replace(name, "NAME")
            self.greetings[greeting] += 1
            self.first_seen.setdefault(greeting, time.time())

    def _travel(self, here, there):
        if here == there:  # the first airport of all
            return
        if created := self._ask("POST", "/trip", json={"airport_from": here, "airport_to": there}):
            read, wanted = self._ask("GET", f"/trip/{created.text}"), {"trip": {"from": here, "to": there}}
            if read and read.json() != wanted:
                self.failures.append(f"GET /trip/{created.text}: {read.text} instead of {wanted}")

    def lost(self):
        """Acknowledged writes that can't be read any more, of those by now."""
        written = dict(self.written)
        answers = {id_: requests.get(f"{self.base_url}/airport/{id_}", timeout=TIMEOUT) for id_ in written}
        return [id_ for id_, answer in answers.items() if answer.json() != {"airport": written[id_]}]

    def twice(self):
        """Names that more than one airport has by now: each was asked for once, repeats of that included."""
        names, cursor = Counter(), None
        while True:
            asked = {"limit": PAGE, "cursor": cursor}
            page = requests.get(f"{self.base_url}/airports", params=asked, timeout=TIMEOUT).json()
            names.update(airport["airport"] for airport in page["airports"])
            cursor = page["next"]
            if cursor is None:
                return [name for name, times in names.items() if times > 1 and name in self.named]
