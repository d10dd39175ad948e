"""The fleet's lock: who may change it, until when, and what is to be done about one that stands in the way.

It is held by whom a majority of all core hosts has it of. It is a lease, for as long as a roll takes at the very most:
from elsewhere nobody can see whether a controller is dead or slow.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence

from fleet.record import process
from fleet.record.document import moment
from fleet.record.majority import Answers, require_answers, required


def wanted(who: str, what: str, seconds: float, now: float, pid: int | None = None) -> dict:
    """The lock of a run, for that long.

    Args:
        who: Such as `ops@controller`.
        what: What it is held for, such as `make deploy`.
        seconds: Until it ends.
        now: Seconds since the epoch.
        pid: The process whose end ends the run; without, the `ansible-playbook` that asks.
    """
    pid = process.playbook_pid() if pid is None else pid
    return {
        "token": secrets.token_hex(16),
        "who": who,
        "what": what,
        "since": int(now),
        "until": int(now + seconds),
        "controller": process.machine(),
        "pid": pid,
        "process_started": process.started(pid),
    }


def judge(given: Answers, hosts: Sequence[str], own_machine: str | None = None, now: float | None = None) -> dict:
    """Whether the lock can be taken, and who has it.

    Args:
        given: Each core host's answer.
        hosts: All core hosts.
        own_machine: This machine's id (`fleet.record.process.machine`), which is the default.
        now: Seconds since the epoch; the default is now.

    Returns:
        `state`: `free`, `stale` (to be taken over) or `live` (to be respected); `lock`, the one that was found in
        the first place, or None; `why` a stale one is stale; `replacing`, the tokens to take over; and the `sentence`
        for the operator, empty when it is free.

    Raises:
        FleetError: too few hosts answered.
    """
    own_machine = process.machine() if own_machine is None else own_machine
    now = time.time() if now is None else now
    there = require_answers(given, hosts)
    locks = [answer["lock"] for answer in there.values() if answer["lock"]]
    # The most common comes first.
    found = {lock["token"]: lock for lock in sorted(locks, key=lambda lock: -_count(locks, lock))}
    reasons = {token: _why_stale(lock, own_machine, now) for token, lock in found.items()}
    stale = [token for token, reason in reasons.items() if reason]
    unreadable = [host for host, answer in there.items() if "lock" in answer["broken_parts"]]
    # Where a majority could be had, no living run has one: what such a run has is a try that fails.
    can_be_had = len(there) - len(unreadable) - sum(lock["token"] not in stale for lock in locks)
    result = {"state": "free", "lock": None, "why": "", "replacing": stale, "sentence": ""}
    if can_be_had >= required(hosts):
        if stale:
            lock, why = found[stale[0]], reasons[stale[0]]
            result |= {"state": "stale", "lock": lock, "why": why, "sentence": f"{_whose(lock)} is stale: {why}."}
        return result
    lock = next((lock for token, lock in found.items() if token not in stale), None)
    return {**result, "state": "live", "lock": lock, "sentence": _live(lock, unreadable)}


def unlocked(judgement: Mapping) -> str:
    """What to tell of a lock that was taken away; `judge` said this of it before."""
    if judgement["lock"]:
        return f"The fleet is unlocked. {_whose(judgement['lock'])} is gone."
    return "The fleet is unlocked." if judgement["state"] == "live" else "There was no lock."


def won(given: Answers, hosts: Sequence[str], token: str) -> bool:
    """Whether a majority of all core hosts has the lock with this token."""
    locks = [(given.get(host) or {}).get("lock") or {} for host in hosts]
    return sum(lock.get("token") == token for lock in locks) >= required(hosts)


def _count(locks: Sequence[Mapping], lock: Mapping) -> int:
    return sum(one["token"] == lock["token"] for one in locks)


def _why_stale(lock: Mapping, own_machine: str, now: float) -> str:
    if lock["controller"] == own_machine and process.is_gone(lock["pid"], lock["process_started"]):
        return f"its process {lock['pid']} on this machine has ended"
    if lock["until"] < now:
        return f"it ran out at {moment(lock['until'])}"
    return ""


def _whose(lock: Mapping) -> str:
    return f"The lock that {lock['who']} has held for `{lock['what']}` since {moment(lock['since'])}"


def _live(lock: Mapping | None, unreadable: Sequence[str]) -> str:
    if lock is None:
        return (
            f"The fleet's lock can't be read on {', '.join(unreadable)}: when nobody changes it, type "
            "`make unlock FORCE=1`."
        )
    return (
        f"{lock['who']} has been changing the fleet with `{lock['what']}` since {moment(lock['since'])}. Wait until "
        f"that has ended (a run that died has its lock until {moment(lock['until'])}), or, if you know that it is "
        "dead, type `make unlock FORCE=1`."
    )
