"""Whether the groups, and what a run leaves out, make a fleet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fleet.errors import suggestion
from fleet.preflight.common import GROUPS, groups_of, listing, problem, skippable_hosts


def limit_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    yield problem(
        f"`--limit {facts['limit']}` leaves hosts out, but clusters and firewalls are decided for all at once.",
        "Type it without --limit; an app host that is down is left out with `-e skip=NAME`.",
    )


def group_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    for group in GROUPS:
        if not facts["groups"].get(group):
            yield problem(f"The group {group} has no host.", f"List at least one host under {group} in the inventory.")
    core = facts["groups"].get("core", [])
    if core and len(core) % 2 == 0:
        yield problem(
            f"{len(core)} core hosts ({listing(core)}) are an even number, which survives no more than one fewer.",
            "List 1, 3 or 5 hosts under core in the inventory.",
        )
    if facts["groups"].get("app") and set(facts["groups"]["app"]) <= set(facts["skip"]):
        yield problem("Every app host is to be skipped.", "Leave at least one out of `-e skip=`.")


def skip_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    valid = skippable_hosts(facts)
    for name in facts["skip"]:
        if name not in facts["hosts"]:
            yield problem(f"There is no host {name} to skip.", f"Correct `-e skip=`: {suggestion(name, valid)}.")
        elif name not in valid:
            groups = " and ".join(group for group in groups_of(facts, name) if group != "app") or "no app"
            yield problem(
                f"{name} is a host of {groups}, and only pure app hosts can be skipped.",
                f"Correct `-e skip=`: {suggestion(name, valid)}.",
            )
