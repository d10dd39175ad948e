"""What the service instances of this host count, asked for again and again by a process of its own.

The process outlives the connection over which it was started, and must need nothing of Ansible, whose files are gone
by then; under Mitogen they never were on this host, and a fork of it would hold its connection. So a fresh Python gets
these files as they were compiled (`CODE`), through its standard input.
"""

from __future__ import annotations

import configparser
import contextlib
import fcntl
import http.client
import json
import marshal
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from ansible.module_utils.service_programs import CODE as PROGRAMS_CODE
from ansible.module_utils.service_programs import configured

ASK_SECONDS = 1.0
ANSWER_MAX = 4 * 2**20  # bytes; the chassis's longest is under a half of one MiB
FILE_MAX = 32 * 2**20  # bytes of samples a roll; a longer one is sampled more coarsely, from its beginning on
RETURNED_LINES, RETURNED_BYTES = 600, 2 * 2**20  # all of it is one task's result at the controller
KEPT_SECONDS = 24 * 3600
#: Not calls: balancers and this process ask for these, and what leads nowhere says nothing about a release.
NO_CALLS = ("/health", "/ready", "/metrics", "other")
NICENESS = 10

_SAMPLE = re.compile(r"(\w+)\{(.*)\} (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_RPC, _HTTP = "nameko_rpc_request", "nameko_http_request"
_BEGAN = "process_start_time_seconds "
_LAUNCH = """
import marshal, sys, types
for name, code in marshal.load(sys.stdin.buffer):
    module = sys.modules[name] = types.ModuleType(name)
    exec(code, module.__dict__)
module.detach(*sys.argv[1:])
"""
CODE = sys._getframe().f_code


def counted(text: str) -> dict | None:
    """What an instance has counted since it began; None if `text` is no exposition of a process.

    Returns:
        `started` (epoch seconds), `calls`, `errors`, `seconds` (all calls together), `outcomes` (`ok`, names of errors,
        HTTP status codes: number of calls), `buckets` (upper bound in seconds as text: number of calls up to it). Calls
        over RPC (and events and timers) and over HTTP are taken together: hardly a service has both.
    """
    started, errors, seconds = None, 0, 0.0
    outcomes, buckets = Counter(), Counter()
    for line in text.splitlines():
        if line.startswith(_BEGAN):
            started = float(line[len(_BEGAN) :])
        if not line.startswith((_RPC, _HTTP)) or not (sample := _SAMPLE.fullmatch(line)):
            continue
        name, labels, value = sample[1], dict(_LABEL.findall(sample[2])), float(sample[3])
        if labels.get("endpoint") in NO_CALLS:
            continue
        if name == f"{_RPC}s_total":
            outcomes[labels["outcome"]] += int(value)
            errors += int(value) if labels["outcome"] != "ok" else 0
        elif name == f"{_HTTP}s_total":
            outcomes[labels["status_code"]] += int(value)
            errors += int(value) if labels["status_code"] >= "500" else 0
        elif name in (f"{_RPC}_latency_seconds_bucket", f"{_HTTP}_latency_seconds_bucket"):
            buckets[labels["le"]] += int(value)
        elif name in (f"{_RPC}_latency_seconds_sum", f"{_HTTP}_latency_seconds_sum"):
            seconds += value
    if started is None:
        return None
    return {
        "started": started,
        "calls": sum(outcomes.values()),
        "errors": errors,
        "seconds": round(seconds, 6),
        "outcomes": dict(outcomes),
        "buckets": dict(buckets),
    }


def ask(address: str, port: int) -> dict | None:
    """What the instance there has counted; None when it doesn't say so in time, as a stock service doesn't."""
    connection = http.client.HTTPConnection(address, port, timeout=ASK_SECONDS)
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        return counted(answer.read(ANSWER_MAX).decode("utf-8")) if answer.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        return None
    finally:
        connection.close()


class Sampler:
    """Asks all instances of the named services on this host at once."""

    def __init__(self, address: str, services: list[str], files: str, states: str):
        self._address, self._services, self._files, self._states = address, services, files, states
        self._pool = ThreadPoolExecutor(32)
        self._asked = {}  # program to who has not answered yet

    def sample(self) -> dict:
        """One line for the file: `at` and `instances`. What doesn't answer is told as not `answered`."""
        at = time.time()
        found = configured(self._files, self._states)
        found = [one for one in found if one["service"] in self._services and one["port"]]
        # One that dribbles its answer is not asked again before that ends: the threads stay few.
        for one in found:
            if one["program"] not in self._asked:
                self._asked[one["program"]] = self._pool.submit(ask, self._address, one["port"])
        done, _ = wait(self._asked.values(), timeout=ASK_SECONDS * 1.5)
        answers = {program: asked.result() for program, asked in self._asked.items() if asked in done}
        self._asked = {program: asked for program, asked in self._asked.items() if asked not in done}
        return {"at": round(at, 3), "instances": [_line(one, answers.get(one["program"])) for one in found]}


def _line(one: dict, answer: dict | None) -> dict:
    known = {name: one[name] for name in ("program", "service", "release", "revision", "state")}
    nothing = {"started": None, "calls": 0, "errors": 0, "seconds": 0.0, "outcomes": {}, "buckets": {}}
    return {**known, "answered": answer is not None, **(answer or nothing)}


def record(path: Path, sampler: Sampler, *, every: float, max_seconds: float) -> None:
    """Append a line each `every` seconds until `max_seconds` are over or somebody removed the file."""
    end = time.monotonic() + max_seconds
    while path.exists() and (began := time.monotonic()) < end:
        try:
            line = json.dumps(sampler.sample(), separators=(",", ":"))
        except (configparser.Error, OSError, ValueError) as error:
            # A file that a deployment is just writing; the next second it is whole.
            said = " ".join(str(error).split())
            print(f"{type(error).__name__}: {said}", file=sys.stderr, flush=True)  # noqa: T201 - the file `problem`
        else:
            _append(path, line)
        if path.exists() and path.stat().st_size > FILE_MAX:
            every *= 2
            _halve(path)
        time.sleep(max(0.01, every - (time.monotonic() - began)))


def _append(path: Path, line: str) -> None:
    """Write to the file as long as it is there: who removes it means that."""
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(descriptor, f"{line}\n".encode())
        finally:
            os.close(descriptor)


def _halve(path: Path) -> None:
    """Keep every other line. Whoever reads at the moment reads all of them."""
    shorter = path.with_suffix(".shorter")
    with path.open(encoding="utf-8") as lines, shorter.open("w", encoding="utf-8") as kept:
        kept.writelines(line for number, line in enumerate(lines) if number % 2 == 0)
    shorter.replace(path)


def lines(path: Path, since: float = 0.0) -> list[dict]:
    """The samples from `since` (epoch seconds) on, evenly thinned to what a task may return, the last one kept."""
    try:
        texts = path.read_text("utf-8").splitlines()
    except FileNotFoundError:
        return []
    found = []
    for text in texts:
        with contextlib.suppress(ValueError):  # the last one, half written when its process was ended
            one = json.loads(text)
            if one["at"] >= since:
                found.append((one, len(text)))
    size = sum(length for _, length in found)
    step = max(-(-len(found) // RETURNED_LINES), -(-size // RETURNED_BYTES), 1)
    return [one for one, _ in found[::-1][::step][::-1]]


# The process. A lock on its file of one line, its id, says that it lives: it ends with it, however that ends, and no
# other process that got its id later can be taken for it.


def running(lock: Path) -> int:
    """The id of the process that samples for this roll; 0 for none."""
    try:
        with lock.open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return 0
    except BlockingIOError:
        return int(lock.read_text("utf-8") or 0)
    return 0


def start(path: Path, options: dict) -> bool:
    """Start the process that samples into `path`, with `Sampler`'s and `record`'s options; whether it had to be."""
    lock = path.with_suffix(".pid")
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        path.touch(mode=0o644)
        parts = [(configured.__module__, PROGRAMS_CODE), (__name__, CODE)]
        # The lock goes over to the process, together with the open file. Its error output is for `problem`.
        with path.with_suffix(".problem").open("a") as problems:
            subprocess.run(
                [sys.executable, "-I", "-c", _LAUNCH, str(path), json.dumps(options), str(file.fileno())],
                input=marshal.dumps(parts),
                stdout=subprocess.DEVNULL,
                stderr=problems,
                pass_fds=[file.fileno()],
                cwd="/",
                check=True,
                timeout=30,
            )
    return True


def detach(path: str, options: str, lock: str) -> None:
    """Go on as a process of nobody's that samples, with its id in the open file `lock`."""
    if pid := os.fork():
        os.ftruncate(int(lock), 0)
        os.write(int(lock), f"{pid}\n".encode())
        os._exit(0)
    os.setsid()
    os.nice(NICENESS)
    wanted = json.loads(options)
    bounds = {name: wanted.pop(name) for name in ("every", "max_seconds")}
    record(Path(path), Sampler(**wanted), **bounds)


def stop(path: Path) -> bool:
    """End the process of this roll, if one lives, and wait until it is gone; whether one lived."""
    lock = path.with_suffix(".pid")
    if not (pid := running(lock)):
        return False
    os.kill(pid, signal.SIGKILL)  # `lines` bears half a line
    with lock.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # it holds it to its end
    return True


def problem(path: Path) -> str:
    """What went wrong in the process, in its last words; empty if nothing did."""
    try:
        said = path.with_suffix(".problem").read_text("utf-8").split("\n")
    except FileNotFoundError:
        return ""
    return next((line for line in reversed(said) if line), "")


def remove(path: Path) -> None:
    """Remove all that there is of a roll."""
    for suffix in (".jsonl", ".shorter", ".problem", ".pid"):
        path.with_suffix(suffix).unlink(missing_ok=True)


def remove_old(folder: Path) -> None:
    """Remove what is left of rolls that nobody samples or samples for any more since a day."""
    for path in folder.glob("*.pid"):
        samples = path.with_suffix(".jsonl")
        last = (samples if samples.exists() else path).stat().st_mtime
        if not running(path) and time.time() - last > KEPT_SECONDS:
            remove(samples)
