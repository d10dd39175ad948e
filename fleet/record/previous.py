"""What a service was before, and how much of it stays."""

from __future__ import annotations

from collections.abc import Mapping

from fleet.errors import FleetError, suggestion
from fleet.record.entries import same


def previous(record: Mapping, service: str) -> dict:
    """What to go back to: the latest whose catalogue entry, or secrets, aren't the current ones.

    Going back twice is where one was.

    Returns:
        `entry`, `revision` and `secrets_digest`, where it is known.

    Raises:
        FleetError: there is none.
    """
    past = record["replaced"].get(service, [])
    current = record["services"].get(service)
    if not past and not current:
        known = suggestion(service, {*record["services"], *record["replaced"]})
        raise FleetError(f"The fleet's record has no service {service}: {known}.")
    others = [one for one in past if not (current and _same(one, current))]
    if not others:
        remedy = "put the entry that you want into the catalogue and type `make deploy`"
        if (roll := record["roll"]) and service in roll["services"]:
            remedy = f"the roll by {roll['who']} ({roll['what']}) is unfinished, and `make abort` withdraws it"
        raise FleetError(
            f"The fleet's record has nothing that {service} was before {current['entry']['release']}: {remedy}."
        )
    return others[-1]


def kept(record: Mapping, service: str, release: str, count: int) -> list[str]:
    """The releases of a service that stay on its hosts: those that served last, the latest first.

    Args:
        record: the fleet's, before the roll that brings `release` has ended.
        service: its name.
        release: the one that it is to run.
        count: how many stay at most.
    """
    current = record["services"].get(service)
    past = [*record["replaced"].get(service, []), *([current] if current else [])]
    served = [one["entry"]["release"] for one in reversed(past)]
    return list(dict.fromkeys(filter(None, [release, *served])))[:count]


def _same(one: Mapping, other: Mapping) -> bool:
    # Where one has none, nobody knows what its secrets were.
    digests = {half["secrets_digest"] for half in (one, other) if half.get("secrets_digest")}
    return len(digests) < 2 and same(one["entry"], other["entry"])
