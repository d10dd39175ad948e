"""What every part of pre-flight asks of the facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

GROUPS = ("core", "app", "edge")
DISTRIBUTION, VERSION = "Debian", "13"


def problem(problem: str, remedy: str) -> dict[str, str]:
    """One reason not to begin, and what to do about it, each a sentence."""
    return {"problem": problem, "remedy": remedy}


def listing(names: Iterable[str]) -> str:
    """Names in a sentence."""
    return ", ".join(names)


def groups_of(facts: Mapping, host: str) -> list[str]:
    """The groups that a host is in."""
    return [group for group in GROUPS if host in facts["groups"].get(group, [])]


def skippable_hosts(facts: Mapping) -> list[str]:
    """The hosts that a run may leave out."""
    return [host for host in facts["groups"].get("app", []) if groups_of(facts, host) == ["app"]]


def is_supported(host: Mapping) -> bool:
    """Whether a host runs the system that the roles know."""
    return (host["distribution"], host["version"]) == (DISTRIBUTION, VERSION)


def targets_of(facts: Mapping) -> dict[str, Mapping]:
    """The hosts of this run that answered."""
    skip = set(facts["skip"]) & set(skippable_hosts(facts))
    return {name: host for name, host in facts["hosts"].items() if host["reachable"] and name not in skip}
