"""The form of the record, and how a change of it is told from what was before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

FORMAT = 1


def empty() -> dict:
    """The record of a fleet that has none yet."""
    return {"format": FORMAT, "version": 0, "services": {}, "replaced": {}, "roll": None, "history": []}


def changed(record: Mapping, now: float, **parts: object) -> dict:
    """A copy with other parts, and a version above the old one's.

    The version follows the clock. A run that died may have left its last write on a minority that the next run can't
    see; counted by ones, the two would be different records of one version, and nobody could tell which is newer.
    """
    return {**record, **parts, "version": max(record["version"] + 1, int(now))}


def moment(epoch: float) -> str:
    """A time as operators read it. In UTC: who shares a fleet need not share a clock on the wall."""
    return f"{datetime.fromtimestamp(epoch, UTC):%Y-%m-%d %H:%M} UTC"
