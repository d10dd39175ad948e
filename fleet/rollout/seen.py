"""What was seen of a roll: the bake's verdict, and the report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fleet.paths import shown
from fleet.rollout import bake as comparison
from fleet.rollout import report as page


def bake(samples: Mapping[str, list], service: str, change: Mapping, limits: Mapping) -> dict:
    """The verdict on the new instances of a service, from each host's samples (see `fleet.rollout.bake.verdict`)."""
    old = [change["from"]["revision"]] if change["from"] else []
    verdict = comparison.verdict(samples, service, old, change["to"]["revision"], limits)
    return {"service": service, **verdict}


def report(record: Mapping, folder: str, decision: Mapping, outcome: Mapping, seen: Mapping, left_out: str) -> str:
    """Write a roll's report, and return its path.

    Args:
        record: the fleet's, after the roll.
        folder: where reports go.
        decision: see `fleet.rollout.decide`.
        outcome: see `fleet.rollout.conclude.verdict`.
        seen: `samples` by host, `proofs` and `bakes`, and `gate`: the `breaks` that were let through, and whether old
            and new were `compared`.
        left_out: hosts that were skipped, as typed.
    """
    past = record["roll"] or record["history"][-1]
    roll = {
        **{key: past[key] for key in ("id", "who", "what", "began")},
        "ended": past.get("ended"),
        "verdict": outcome["verdict"],
        "reason": outcome["reason"],
        "services": {name: _releases(change) for name, change in decision["changes"].items()},
        "ended_by": past.get("ended_by", past["who"]),
        "gate": {**seen["gate"], "allowed": past["allow_incompatible"]},
        "proofs": seen["proofs"],
        "bakes": seen["bakes"],
        "seconds": past.get("seconds", {}),
        "hosts": list(seen["samples"]),
        "left_out": [name for name in left_out.split(",") if name],
    }
    # A roll that goes on from its canary is told on another page: what was seen of the first hosts stays.
    path = Path(folder) / f"{past['id']}{'-canary' if outcome['verdict'] == 'canary' else ''}.html"
    page.write(path, roll, seen["samples"])
    return shown(path.resolve())


def _releases(change: Mapping) -> dict:
    return {side: change[side] and change[side]["entry"]["release"] for side in ("from", "to")}
