"""What a service was before."""

from __future__ import annotations

from collections.abc import Mapping

from fleet.errors import FleetError, suggestion
from fleet.record.entries import same


def previous(record: Mapping, service: str) -> dict:
    """The catalogue entry to go back to: the latest that isn't the current one. Going back twice is where one was.

    Raises:
        FleetError: there is none.
    """
    past = record["replaced"].get(service, [])
    current = record["services"].get(service)
    if not past and not current:
        known = suggestion(service, {*record["services"], *record["replaced"]})
        raise FleetError(f"The fleet's record has no service {service}: {known}.")
    entries = [one["entry"] for one in past if not (current and same(one["entry"], current["entry"]))]
    if not entries:
        raise FleetError(
            f"The fleet's record has nothing that {service} was before {current['entry']['release']}: put the entry "
            "that you want into the catalogue and type `make deploy`."
        )
    return entries[-1]
