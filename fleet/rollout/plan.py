"""What a roll is going to do, in lines for an operator who may still say no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fleet.record.entries import recorded
from fleet.rollout.batches import turns
from fleet.rollout.decide import what


def lines(
    decision: Mapping,
    steps: Mapping[str, Mapping],
    batches: Mapping[str, list[list[str]]],
    canary: bool = False,
    not_compared: Sequence[str] = (),
) -> list[str]:
    """The plan.

    Args:
        decision: see `fleet.rollout.decide`.
        steps: host to what is to be done there, by service.
        batches: service to the hosts that have their turn together, in order.
        canary: whether the roll stops at its canary, old and new side by side.
        not_compared: what the contract gate could not compare (`fleet.rollout.order.not_compared`).
    """
    if decision["direction"] == "none":
        return ["Nothing is to be done: what runs is what is asked for."]
    if decision["direction"] == "back":
        return [f"Withdraw {what(decision['changes'])}: what ran before stays, or comes back, and the new end"]
    told = [f"Roll {what(decision['changes'])}"]
    for service, change in decision["changes"].items():
        told += [f"  {service}: {one}" for one in _settings(change)]
        mine = turns([service], {service: batches.get(service, [])}, canary)
        told += [_batch(one, number, steps, ends=not canary) for number, one in enumerate(mine, 1)]
    told += [f"  Not compared: {one}" for one in not_compared]
    if canary:
        told.append("  It stops there, old and new side by side, until `make promote` or `make abort`")
    return told


def _settings(change: Mapping) -> list[str]:
    """What an entry changes beside its release."""
    if not (change["from"] and change["to"]):
        return []
    old, new = (recorded(change[side]["entry"]) for side in ("from", "to"))
    changed = [key for key in new if key != "release" and new[key] != old.get(key)]
    return [f"{key} {old.get(key)!r} -> {new[key]!r}" for key in changed]


def _batch(turn: Mapping, number: int, steps: Mapping[str, Mapping], *, ends: bool) -> str:
    there = [steps[host][turn["service"]] for host in turn["hosts"]]
    counts = {
        "upload": sum(one["stage"] for one in there),
        "start": sum(len(one["start"]) for one in there),
        "end": sum((len(one["stop"]) if ends else 0) + len(one["evict"]) for one in there),
    }
    done = ", ".join(f"{verb} {count}" for verb, count in counts.items() if count)
    return f"  {turn['service']}, batch {number} on {', '.join(turn['hosts'])}: {done or 'nothing'}"
