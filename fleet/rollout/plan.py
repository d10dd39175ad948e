"""What a roll is going to do, in lines for an operator who may still say no."""

from __future__ import annotations

from collections.abc import Mapping

from fleet.rollout.decide import what


def lines(decision: Mapping, steps: Mapping[str, Mapping], batches: Mapping[str, list[list[str]]]) -> list[str]:
    """The plan.

    Args:
        decision: see `fleet.rollout.decide`.
        steps: host to what is to be done there, by service.
        batches: service to the hosts that have their turn together, in order.
    """
    if decision["direction"] == "none":
        return ["Nothing is to be done: what runs is what is asked for."]
    verb = "Withdraw" if decision["direction"] == "back" else "Roll"
    told = [f"{verb} {what(decision['changes'])}"]
    for service in decision["services"]:
        told += [_batch(service, number, hosts, steps) for number, hosts in enumerate(batches.get(service, []), 1)]
    return told


def _batch(service: str, number: int, hosts: list[str], steps: Mapping[str, Mapping]) -> str:
    there = [steps[host][service] for host in hosts]
    counts = {
        "upload": sum(one["stage"] for one in there),
        "start": sum(len(one["start"]) for one in there),
        "end": sum(len(one["stop"]) + len(one["evict"]) for one in there),
    }
    done = ", ".join(f"{verb} {count}" for verb, count in counts.items() if count)
    return f"  {service}, batch {number} on {', '.join(hosts)}: {done or 'nothing'}"
