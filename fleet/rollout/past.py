"""What has been rolled, for people."""

from __future__ import annotations

from collections.abc import Mapping

from fleet.record.document import moment


def lines(record: Mapping) -> list[str]:
    """A line for each roll that the record has, the latest last, and one for the roll that is unfinished."""
    told = [_line(one) for one in record["history"]]
    if unfinished := record["roll"]:
        told.append(unfinished_line(unfinished))
    return told or ["Nothing has been rolled yet."]


def unfinished_line(roll: Mapping) -> str:
    """A roll that is under way, or was interrupted."""
    return f"{moment(roll['began'])}  {roll['what']} by {roll['who']}: {roll['phase']} {roll['reason']}".rstrip()


def _line(past: Mapping) -> str:
    allowed = f", allowed {', '.join(past['allow_incompatible'])}" if past["allow_incompatible"] else ""
    parts = ", ".join(f"{name} {took:.0f} s" for name, took in past["seconds"].items() if name != "all")
    took = f"{past['ended'] - past['began']} s{f' ({parts})' if parts else ''}"
    other = past.get("ended_by", past["who"])  # promoted, aborted or gone on with
    ended = f" by {other}" if other != past["who"] else ""
    told = f"{moment(past['began'])}  {past['what']} by {past['who']}: {past['verdict']}{ended} in {took}{allowed}"
    return f"{told}. {past['reason']}" if past["reason"] else told
