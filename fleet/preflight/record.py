"""What the fleet's record says against a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fleet import catalogue
from fleet.errors import FleetError
from fleet.preflight.common import listing, problem
from fleet.record.entries import recorded
from fleet.record.majority import newest
from fleet.record.older import older_entries

PLATFORM_KEYS = ("instances", "port", "http", "redis")  # of an entry, which more than its instances depends on


def record_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    core = facts["groups"].get("core", [])
    try:
        record = newest(facts["record_answers"], core)
    except FleetError as error:
        if all(facts["hosts"][name]["reachable"] for name in core):  # else that is said already
            yield problem(str(error), "")
        return
    whole = catalogue.complete(facts["services"])
    rolls = {name: entry for name, entry in whole.items() if name in facts["rolls"]}
    # Who names a release knows that it is another than the fleet's.
    if facts["kind"] == "deploy" or (facts["kind"] == "rollout" and not facts["release"]):
        yield from older_entries(record, rolls, facts["allow_older"])
    if facts["kind"] in ("rollout", "rollback"):
        yield from _platform_problems(record, rolls)


def _platform_problems(record: Mapping, rolls: Mapping[str, Mapping]) -> Iterator[dict[str, str]]:
    """What balancers, firewalls and users follow, which a roll of services alone doesn't touch."""
    for name, entry in rolls.items():
        runs = recorded(record["services"][name]["entry"])
        if different := [key for key in PLATFORM_KEYS if recorded(entry)[key] != runs[key]]:
            keys = listing(f"{name}.{key}" for key in different)
            yield problem(
                f"This changes {keys} too, which load balancers, firewalls or users follow.",
                "Put the entry that you want into the catalogue and type `make deploy`, which rolls it as well.",
            )
