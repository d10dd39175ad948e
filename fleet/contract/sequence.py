"""In which order services can follow each other, so that at each moment all that serves can serve beside the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from fleet.contract.breaks import Break
from fleet.contract.gating import gate


def sequence(
    new: Mapping[str, Mapping], running: Iterable[Mapping], *, goes_back: bool = False
) -> tuple[list[str], list[Break]]:
    """The services in the order of their rolls, and what breaks in it.

    Callees come before their callers, which may need what is new in them; where only the other way round is without a
    break, as when both go back, callers come first.

    Args:
        new: services to the contracts of their next releases.
        running: as for `gate`; what `stays` serves beside the new to the end.
        goes_back: as for `gate`.
    """
    running = list(running)
    callees_first = _callees_first(new)
    breaks = _breaks(callees_first, new, running, goes_back)
    if breaks and not _breaks(callees_first[::-1], new, running, goes_back):
        return callees_first[::-1], []
    return callees_first, breaks


def _callees_first(new: Mapping[str, Mapping]) -> list[str]:
    by_name = {contract["service"]: name for name, contract in new.items()}
    graph = {
        name: [by_name[callee] for callee in contract["calls"] if callee in by_name and by_name[callee] != name]
        for name, contract in new.items()
    }
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError:  # no order suits all of them, so the gate tells
        return list(new)


def _breaks(order: list[str], new: Mapping[str, Mapping], running: list[Mapping], goes_back: bool) -> list[Break]:
    """Each service gives way before the next has its turn, wholly but for what stays."""
    found: dict[str, Break] = {}
    for name in order:
        for one in gate({name: new[name]}, running, goes_back=goes_back):
            found.setdefault(one.id, one)
        replaced = {"service": name, "release": "the new", "hosts": ["every host"], "contract": new[name]}
        running = [*(one for one in running if one["service"] != name or one.get("stays")), replaced]
    return list(found.values())
