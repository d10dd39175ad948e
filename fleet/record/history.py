"""How a roll begins and ends in the record."""

from __future__ import annotations

from collections.abc import Mapping

from fleet.errors import FleetError
from fleet.record.document import changed, moment
from fleet.record.entries import same_revision

REPLACED, HISTORY = 20, 100  # at most, of each service and of all


def begun(record: Mapping, roll: Mapping) -> dict:
    """The record with this roll under way; one that is under way already is told anew.

    Raises:
        FleetError: another is unfinished.
    """
    current = record["roll"]
    if current and current["id"] != roll["id"]:
        raise FleetError(
            f"`{current['what']}` of {current['who']}, begun at {moment(current['began'])}, is unfinished: type it "
            "again, and it goes on where it ended."
        )
    defaults = {"phase": "rolling", "reason": "", "allow_incompatible": []}
    return changed(record, roll["began"], roll={**defaults, **roll})


def moved(record: Mapping, phase: str, now: float, reason: str = "") -> dict:
    """The record with its roll in another phase."""
    roll = record["roll"]
    return changed(record, now, roll={**roll, "phase": phase, "reason": reason or roll["reason"]})


def finished(
    record: Mapping,
    verdict: str,
    ended: float,
    reason: str = "",
    seconds: Mapping[str, float] | None = None,
    ended_by: str = "",
) -> dict:
    """The record after its roll.

    Args:
        record: With a roll.
        verdict: `finished`, after which services are what the roll was to make of them; after `withdrawn` and
            `aborted` they are what they were.
        ended: Seconds since the epoch.
        reason: Why it was withdrawn or aborted, if not for what the roll says already.
        seconds: How long its parts took, by name.
        ended_by: Who brought it to its end; by default who began it.
    """
    roll, ended = record["roll"], int(ended)
    past = {
        **{key: roll[key] for key in ("id", "who", "what", "began", "allow_incompatible")},
        "ended": ended,
        "ended_by": ended_by or roll["who"],
        "services": {
            name: {side: one[side] and one[side]["entry"]["release"] for side in ("from", "to")}
            for name, one in roll["services"].items()
        },
        "verdict": verdict,
        "reason": reason or roll["reason"],
        "seconds": dict(seconds or {}),
    }
    parts = {"roll": None, "history": [*record["history"], past][-HISTORY:]}
    if verdict == "finished":
        parts |= _after(record, roll, ended, past["ended_by"])
    return changed(record, ended, **parts)


def _after(record: Mapping, roll: Mapping, ended: int, ended_by: str) -> dict:
    services, replaced = dict(record["services"]), dict(record["replaced"])
    for name, change in roll["services"].items():
        old, new = change["from"], change["to"]
        if same_revision(old, new):
            continue
        if old:
            gone = {**old, "until": ended, "by": ended_by, "roll": roll["id"]}
            replaced[name] = [*replaced.get(name, []), gone][-REPLACED:]
        if new:
            services[name] = {**new, "since": ended}
        else:
            services.pop(name, None)
    return {"services": services, "replaced": replaced}
