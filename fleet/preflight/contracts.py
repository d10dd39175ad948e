"""Whether the releases that are to run can serve beside those that do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from fleet import catalogue
from fleet.contract import places
from fleet.contract.absence import absences
from fleet.contract.breaks import Break
from fleet.contract.sequence import sequence
from fleet.preflight.common import problem
from fleet.release import folder_name, manifest, verify


def contract_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    """Releases that can't serve beside those that run. Of one that is damaged or missing that is said elsewhere."""
    for one in _breaks(facts):
        if one.id not in facts["allow_incompatible"]:
            allowed = ",".join([*facts["allow_incompatible"], one.id])
            yield problem(
                one.problem, f"{one.remedy} To deploy all the same, type it with `-e allow_incompatible={allowed}`."
            )


def allowed_breaks(facts: Mapping) -> list[dict[str, str]]:
    """The breaks that the operator has let through by name: `id`, `problem` and `remedy`; none of what can't begin."""
    if facts["limit"] or catalogue.problems(facts["services"]):
        return []
    return [asdict(one) for one in _breaks(facts) if one.id in facts["allow_incompatible"]]


def _breaks(facts: Mapping) -> Iterator[Break]:
    if facts["kind"] == "abort":
        return  # what is withdrawn served beside what stays, or served nobody
    releases = Path(facts["releases_dir"])
    rolls = {name: entry for name, entry in facts["services"].items() if name in facts["rolls"]}
    asked = {name: places.known(name, entry["release"], releases) for name, entry in rolls.items()}
    new = {name: contract for name, (contract, _) in asked.items() if contract}
    for name, (contract, why) in asked.items():
        folder = releases / folder_name(name, rolls[name]["release"])
        if contract is None and (folder / manifest.MANIFEST).exists() and not verify(folder):
            told = f"What {name} {rolls[name]['release']} promises can't be held against what runs: {why}"
            yield Break(f"{name}:unreadable", told, "Build it with this clone, or bring the clone up to date.")
    # A skipped host that answers serves with the others, and under a canary all that runs goes on.
    reachable = {name: host for name, host in facts["hosts"].items() if host["reachable"]}
    staying = reachable if facts["canary"] else facts["skip"]
    running = places.running(reachable, releases, staying)
    yield from sequence(new, running, goes_back=facts["kind"] == "rollback")[1]
    yield from absences(new, running, facts["services"])
