"""Calls of a service that will be nowhere: no queue takes them, and no contract could be held against them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from fleet.contract.breaks import Break


def absences(new: Mapping[str, Mapping], running: Iterable[Mapping], services: Collection[str]) -> Iterator[Break]:
    """Each service that a release calls and that is not among those that are to run.

    Of what runs already that is told only where the callee is about to leave.

    Args:
        new: services to the contracts of their next releases.
        running: as for `fleet.contract.gate`.
        services: the names of all services that are to run in the end.
    """
    known = [one for one in running if one["contract"] is not None]
    staying = [one["contract"] for one in known if one["service"] in services]
    there = {f"{service}_service" for service in services}  # as each class is named
    there |= {contract["service"] for contract in [*new.values(), *staying]}
    leaving = {one["contract"]["service"] for one in known if one["service"] not in services} - there
    for caller in new.values():
        if caller not in staying:
            yield from _absent(caller, set(caller["calls"]) - there)
    for caller in staying:
        yield from _absent(caller, set(caller["calls"]) & leaving)


def _absent(caller: Mapping, callees: Iterable[str]) -> Iterator[Break]:
    for callee in sorted(callees):
        yield Break(
            f"{caller['service']}.calls.{callee}:absent",
            f"{caller['service']} calls {callee}, and the catalogue has no such service: nobody would take the call.",
            f"Put {callee.removesuffix('_service')} into the catalogue, or take its calls out of"
            f" {caller['service'].removesuffix('_service')} first.",
        )
