"""How a roll stands in the record and in the lock: its beginning, its way back, its end."""

from __future__ import annotations

import getpass
import os
import socket
import time
from collections.abc import Iterable, Mapping

from fleet.record import history, lock
from fleet.rollout import phases
from fleet.rollout.decide import what
from fleet.rollout.outcome import sentence


def operator() -> str:
    """Who is at work, such as `ops@controller`."""
    return f"{os.environ.get('SUDO_USER') or getpass.getuser()}@{socket.gethostname()}"


def locked(decision: Mapping, seconds: int) -> dict:
    """The lock of a roll."""
    return lock.wanted(operator(), what(decision["changes"]), seconds, time.time())


def begun(record: Mapping, decision: Mapping, allowed: Iterable[str]) -> dict:
    """The record with the roll under way; one that goes on keeps its id, and when and by whom it was begun.

    Args:
        record: the fleet's.
        decision: see `fleet.rollout.decide`.
        allowed: ids of the breaks of contracts that this run was let through.
    """
    now = time.time()
    unfinished = record["roll"]
    roll = unfinished or {
        "id": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now)),
        "who": operator(),
        "what": what(decision["changes"]),
        "began": int(now),
        "services": decision["changes"],
        "allow_incompatible": [],
        "reason": "",
    }
    allowed = dict.fromkeys([*roll["allow_incompatible"], *allowed])
    phase = "withdrawing" if decision["direction"] == "back" else "rolling"
    return history.begun(record, {**roll, "phase": phase, "allow_incompatible": list(allowed)})


def moved(record: Mapping, phase: str, failed: list[Mapping[str, str]]) -> dict:
    """The record with its roll on its way back, and why."""
    return history.moved(record, phase, time.time(), sentence(failed))


def verdict(decision: Mapping, kind: str, canary: bool, failed: list[Mapping], failed_back: list[Mapping]) -> dict:
    """What became of a run.

    Args:
        decision: see `fleet.rollout.decide`.
        kind: what was asked for.
        canary: whether it was to stop at its canary.
        failed: what went wrong on the way forward (`fleet.rollout.outcome.failures`), if it went forward.
        failed_back: what went wrong on the way back, if it went back.

    Returns:
        `verdict` (`finished`, `canary`, `withdrawn`, `aborted`, or `unfinished`, when it could not go back wholly),
        `reason`, `told` (for the operator) and `ok`.
    """
    changes = what(decision["changes"])
    goes_back = decision["direction"] == "back" or failed
    reason = "" if decision["direction"] == "back" else sentence(failed)
    if goes_back and failed_back:
        told = (
            f"{sentence(failed_back)} So {changes} is withdrawn only in part. It began with: {reason or 'make abort'}."
            " Mend that and type `make abort`."
        )
        return {"verdict": "unfinished", "reason": reason, "told": told, "ok": False}
    if goes_back:
        asked = kind == "abort"
        told = f"{f'{reason} So ' if reason else ''}{changes} is withdrawn, and what ran before runs."
        return {"verdict": "aborted" if asked else "withdrawn", "reason": reason, "told": told, "ok": asked}
    if canary:
        told = (
            f"{changes} stands at its canary, old and new side by side: `make promote` goes on, `make abort` goes back."
        )
        return {"verdict": "canary", "reason": "", "told": told, "ok": True}
    return {"verdict": "finished", "reason": "", "told": f"{changes}: done.", "ok": True}


def ended(record: Mapping, outcome: Mapping, lock: Mapping, samples: Mapping[str, list]) -> dict:
    """The record after a run.

    Args:
        record: as it is.
        outcome: see `verdict`.
        lock: the run's.
        samples: what it saw, by host.
    """
    now = time.time()
    if outcome["verdict"] == "unfinished":
        return history.moved(record, "withdrawing", now)
    if outcome["verdict"] == "canary":
        return history.moved(record, "canary", now)
    took = phases.seconds(samples, record["roll"]["began"], lock["since"], now)
    return history.finished(record, outcome["verdict"], now, outcome["reason"], took, operator())
