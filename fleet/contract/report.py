"""What `make contract` prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fleet.contract.breaks import Break
from fleet.contract.callers import unknowns


def text(title: str, new: Mapping, breaks: Iterable[Break]) -> str:
    """A verdict, each break with its id and remedy, and what could not be compared."""
    breaks, notes = list(breaks), unknowns(new)
    lines = [f"{title}: {f'incompatible, {len(breaks)} reason(s)' if breaks else 'compatible'}"]
    for one in breaks:
        lines += ["", one.id, f"    {one.problem}", f"    {one.remedy}"]
    if notes:
        lines += ["", "Not compared:", *(f"    {note}" for note in notes)]
    return "\n".join(lines)
