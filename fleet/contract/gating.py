"""The gate: whether the catalogue's releases may start beside all that runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from fleet.contract.breaks import CONTRACT, Break
from fleet.contract.callers import caller_breaks
from fleet.contract.compare import compare


@dataclass(frozen=True)
class _Party:
    """A release that serves during the roll."""

    service: str
    contract: Mapping
    title: str  # such as airports 1.0.0 on app1, app2
    runs: bool  # whether it serves already


def gate(new: Mapping[str, Mapping], running: Iterable[Mapping], *, goes_back: bool = False) -> list[Break]:
    """Hold each new contract against every release that runs: its own service's, its callers' and its callees'.

    Two releases that run beside each other already are not judged.

    Args:
        new: the catalogue's services to the contracts of their releases.
        running: `service`, `release`, `hosts` (names) and `contract` of each release that runs; the contract is None
            where nobody knows it, and `why` says why.
        goes_back: the new are what ran before. What such a release lacks, its successor had only just brought, so that
            nobody relies on it but callers that are known to.

    Returns:
        Each break once, named by its id; empty when the roll may begin.
    """
    running = list(running)
    parties = [_running(one) for one in running if one["contract"] is not None]
    already = [(one.service, one.contract) for one in parties]
    changed = {service: contract for service, contract in new.items() if (service, contract) not in already}
    changing = [_Party(service, contract, f"the new {service}", runs=False) for service, contract in changed.items()]
    found: dict[str, Break] = {}
    successions = [] if goes_back else _successions(changing, parties)
    for one in [*_unknown(new, running), *successions, *_calls(changing, parties, told=not goes_back)]:
        found.setdefault(one.id, one)
    return list(found.values())


def _running(one: Mapping) -> _Party:
    title = f"{one['service']} {one['release']} on {', '.join(one['hosts'])}"
    return _Party(one["service"], one["contract"], title, runs=True)


def _unknown(new: Mapping, running: list[Mapping]) -> Iterator[Break]:
    for one in running:
        if one["contract"] is None and one["service"] in new:
            service, release = one["service"], one["release"]
            yield Break(
                f"{service}:unknown-{release}",
                f"{service} {release} runs on {', '.join(one['hosts'])}, and nobody can tell what its callers rely on:"
                f" {one['why']}",
                f"Copy dist/releases/{service}-{release} here from where it was built.",
            )


def _successions(changing: list[_Party], parties: list[_Party]) -> Iterator[Break]:
    """Old and new of one service."""
    for old, new in product(parties, changing):
        if old.service == new.service:
            for one in compare(old.contract, new.contract):
                yield _with_callers(replace(one, problem=f"Beside {old.title}: {one.problem}"), [*parties, *changing])


def _with_callers(one: Break, parties: list[_Party]) -> Break:
    """The break of a method with who is known to call it."""
    service, _, method = one.about.partition(".")
    if not method:
        return one
    contracts = [party.contract for party in parties]
    if names := sorted({each["service"] for each in contracts if method in each["calls"].get(service, {})}):
        return replace(one, problem=f"{one.problem} It is called by {', '.join(names)}.")
    if lost := sorted({each["service"] for each in contracts if service in each["unknown_calls"]}):
        return replace(one, problem=f"{one.problem} Whether {', '.join(lost)} calls it can't be told.")
    if one.id.endswith(":removed"):
        return replace(one, problem=f"{one.problem} No service that runs is known to call it.", remedy=CONTRACT)
    return one


def _calls(changing: list[_Party], parties: list[_Party], *, told: bool) -> Iterator[Break]:
    """Callers and callees of which at least one is new."""
    for caller, callee in product([*parties, *changing], repeat=2):
        if not (caller.runs and callee.runs):
            said = _told(callee, parties) if caller.runs and told else []
            for one in caller_breaks(caller.contract, callee.contract, _remedy(caller, callee)):
                if one.about not in said:
                    yield replace(one, problem=f"Of {caller.title} and {callee.title}: {one.problem}")


def _told(callee: _Party, parties: list[_Party]) -> list[str]:
    """The methods that old callers can't rely on: that is told once, of the callee itself."""
    old = [one.contract for one in parties if one.service == callee.service]
    return [one.about for contract in old for one in compare(contract, callee.contract)]


def _remedy(caller: _Party, callee: _Party) -> str:
    if caller.runs:
        return f"Let {callee.service} go on taking such calls in this release."
    if callee.runs:
        return f"Deploy a release of {callee.service} that takes it first, and then this one of {caller.service}."
    return f"Correct the call in {caller.service}, or give {callee.service} what it lacks."
