"""What the fleet's record and its lock say against a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from fleet import catalogue
from fleet.preflight.common import listing, problem
from fleet.record import lock
from fleet.record.entries import recorded
from fleet.record.majority import newest
from fleet.record.older import older_entries
from fleet.release import built

PLATFORM_KEYS = ("instances", "port", "http", "redis")  # of an entry, which more than its instances depends on


def unreadable_problems(facts: Mapping, why: str) -> Iterator[dict[str, str]]:
    """That the record can't be read, for this reason."""
    core = facts["groups"].get("core", [])
    if core and all(facts["hosts"][name]["reachable"] for name in core):  # else that is said already
        yield problem(why, "")


def lock_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    """Somebody else who is changing the fleet; a run that only tells disturbs nobody."""
    if not facts["tells_only"]:
        found = lock.judge(facts["record_answers"], facts["groups"].get("core", []))
        if found["state"] == "live":
            yield problem(found["sentence"], "")


def record_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    record = newest(facts["record_answers"], facts["groups"].get("core", []))
    whole = catalogue.complete(facts["services"])
    rolls = {name: entry for name, entry in whole.items() if name in facts["rolls"]}
    if facts["kind"] == "deploy":
        yield from older_entries(record, rolls, facts["allow_older"])
        yield from _leaving_problems(facts, record)
    elif facts["kind"] == "rollout":
        # Who names a release knows that it is another than the fleet's, and may not know what rolls with it.
        own = {name: entry for name, entry in facts["catalogue"].items() if name in facts["rolls"]}
        yield from older_entries(record, own, facts["allow_older"], release_named=bool(facts["release"]))
    if facts["kind"] in ("rollout", "rollback"):
        yield from _platform_problems(facts, record, rolls)


def _leaving_problems(facts: Mapping, record: Mapping) -> Iterator[dict[str, str]]:
    """What the catalogue lacks ends, unless it lacks it for being older than the fleet."""
    for name in sorted({*record["services"]} - {*facts["services"]}):
        if facts["canary"]:
            yield problem(
                f"{name} has left the catalogue, and a canary ends nothing.",
                "Type `make deploy` without a canary first, which ends it.",
            )
        elif record["roll"] and name not in record["roll"]["services"]:
            yield problem(
                f"{name} has left the catalogue, and the roll by {record['roll']['who']} ({record['roll']['what']}) is"
                " unfinished.",
                "Type what began that, and it goes on, or `make abort`, and it is withdrawn.",
            )
        elif not (name in _known_services(facts) or name in facts["allow_older"]):
            yield problem(
                f"The fleet runs {name}, and this clone has never had it (neither a release in dist/releases nor"
                " secrets): this clone is older than the fleet.",
                f"Type `git pull`; to end {name} on purpose, deploy with `-e allow_older={name}`.",
            )


def _known_services(facts: Mapping) -> set[str]:
    """Those that this clone has, or had: nobody takes out of a catalogue what was never in it."""
    return {*built(Path(facts["releases_dir"])), *(facts["secrets"].get("services") or {})}


def _platform_problems(facts: Mapping, record: Mapping, rolls: Mapping[str, Mapping]) -> Iterator[dict[str, str]]:
    """What balancers, firewalls and users follow, which a roll of services alone doesn't touch."""
    for name, entry in rolls.items():
        runs = recorded(record["services"][name]["entry"])
        if different := [key for key in PLATFORM_KEYS if recorded(entry)[key] != runs[key]]:
            keys = listing(f"{name}.{key}" for key in different)
            how = f" ARGS='-e allow_older={name}'" if facts["kind"] == "rollback" else ""
            was = ", ".join(f"{key}: {recorded(entry)[key]}" for key in different)
            yield problem(
                f"This changes {keys} too, which load balancers, firewalls or users follow.",
                f"Put the entry that you want into the catalogue (release: {entry['release']}, {was}) and type"
                f" `make deploy{how}`, which rolls it as well.",
            )
