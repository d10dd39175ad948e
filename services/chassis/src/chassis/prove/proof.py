"""The proof of one instance: ready, smoke calls, still the same process. And the document that tells of several."""

import time
from contextlib import suppress

import eventlet

from chassis.instance import DRAINING
from chassis.prove import smoke
from chassis.prove.errors import Unproven, fault, one_line

LOOK_SECONDS = 2  # that an answer of /ready or /health may take
PAUSE = 0.2  # seconds between two looks
SILENCE_MAX = 10  # seconds without an answer of /health after which an instance hangs; a busy host takes its time


class Proof:
    """Proves one instance with `run`; `result` is what became of it.

    Args:
        subject: the `Subject`.
        smoke: the function with the smoke calls, None for none, or a `SmokeModuleError`.
        timeout: seconds until it must be ready and through with its smoke calls.
        settle: seconds that it must have run at last.
    """

    def __init__(self, subject, smoke, timeout, settle):
        self._subject, self._smoke, self._timeout, self._settle = subject, smoke, timeout, settle
        self._began = time.monotonic()
        self._instance = None
        self._outcome = None if smoke else "none"
        self._ok, self._reason = False, f"{subject.id} was not through with its proof in time."
        self._seconds = None

    @property
    def result(self):
        """What became of it so far, as one of the document's `instances`."""
        seconds = time.monotonic() - self._began if self._seconds is None else self._seconds
        return {
            "id": self._subject.id,
            "ok": self._ok,
            "reason": self._reason,
            "seconds": round(seconds, 3),
            "smoke": self._outcome,
            "calls": list(self._instance.calls) if self._instance else [],
        }

    def run(self):
        """Prove it, as far as it gets."""
        try:
            self._prove()
            self._ok, self._reason = True, ""
        except Unproven as error:
            self._reason = str(error)
        except Exception as error:  # noqa: BLE001 - one instance that can't be judged leaves the others theirs
            self._reason = f"{self._subject.id} could not be judged: {type(error).__name__}: {one_line(error)}."
        self._seconds = time.monotonic() - self._began

    def _prove(self):
        until = self._began + self._timeout
        self._subject.start()
        try:
            process = self._until_ready(until)
            if self._smoke:
                self._run_smoke(process, until)
            self._stay(process)
        finally:
            self._subject.stop()

    def _until_ready(self, until):
        """Return the process that is ready: its id and when it was started."""
        name = self._subject.id
        while True:
            process, reason = self._look()
            if process:
                return process
            if time.monotonic() >= until:
                raise Unproven(f"{name} {reason}.")
            eventlet.sleep(PAUSE)

    def _look(self):
        """Return the process of a ready instance, or None and what it did instead."""
        within = f"within {self._timeout:g} s"
        try:
            found = self._subject.http("GET", "/ready", LOOK_SECONDS).json
            if not isinstance(found, dict) or "checks" not in found:
                raise AssertionError("expected an instance's /ready, found something else")
            if found.get("instance") != self._subject.id:
                raise AssertionError(f"{found.get('instance')} answers there")
            if why := _unready(found):
                return None, f"did not get ready {within}: {why}"
            return self._process(), None
        except OSError as error:
            return None, f"did not answer /ready {within} ({fault(error)})"
        except AssertionError as error:
            address = f"{self._subject.host}:{self._subject.port}"
            return None, f"did not answer /ready at {address} {within}: {one_line(error)}"

    def _process(self):
        found = self._subject.http("GET", "/health", LOOK_SECONDS).json
        if not isinstance(found, dict) or found.get("instance") != self._subject.id:
            raise AssertionError("another instance answers /health there")
        return found["pid"], found["started"]

    def _run_smoke(self, process, until):
        if isinstance(self._smoke, smoke.SmokeModuleError):
            self._outcome = "failed"
            raise Unproven(f"{self._subject.id} can't be called: {self._smoke}")
        self._instance = smoke.SmokeInstance(self._subject, until)
        try:
            smoke.run(self._smoke, self._instance, self._subject.id, max(until - time.monotonic(), PAUSE))
            self._outcome = "passed"
        except Unproven as error:
            self._outcome = "failed"
            # That it died of a call says more than that the call failed.
            self._require_same(process, f" ({one_line(self._last_call())})")
            raise error from None

    def _last_call(self):
        return f"in the smoke call {self._instance.last}" if self._instance.last else "by its smoke calls"

    def _stay(self, process):
        """Wait until it has run long enough as the same process, and look at least once."""
        heard = time.monotonic()
        while True:
            if self._require_same(process):
                heard = time.monotonic()
                if time.time() - process[1] >= self._settle:
                    return
            elif time.monotonic() - heard > SILENCE_MAX:
                raise Unproven(f"{self._subject.id} stopped answering /health while it was proven.")
            eventlet.sleep(PAUSE)

    def _require_same(self, process, addition=""):
        """Return whether it answers, as the process that it was."""
        name = self._subject.id
        with suppress(TimeoutError):
            try:
                now = self._process()
            except TimeoutError:
                raise
            except (OSError, AssertionError) as error:
                raise Unproven(f"{name} ended while it was proven{addition}: {fault(error)}.") from error
            if now != process:
                raise Unproven(f"{name} was restarted while it was proven{addition}.")
            return True
        return False


def _unready(found):
    """Why an instance can't work, or an empty text. In probation it must be able to, if it were let."""
    faults = [text for text in found["checks"].values() if text != "ok"]
    if faults:
        return one_line(faults[0])
    if found.get("state") == DRAINING:
        return "its state is draining"
    if found.get("state") == "admitted" and not found.get("ready"):
        return one_line(found.get("reason", "it gave no reason"))
    return ""


def prove_all(proofs):
    """Run several at the same time."""
    for greenlet in [eventlet.spawn(proof.run) for proof in proofs]:
        greenlet.wait()


def document(proofs):
    """What became of several, as it is printed."""
    results = [proof.result for proof in proofs]
    return {"ok": all(result["ok"] for result in results), "instances": results}
