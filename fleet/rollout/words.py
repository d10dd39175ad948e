"""Values as a report for people has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from fleet.svg import number

NOTHING = "—"


def plain(value: object) -> str:
    """Any value in words."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {plain(one)}" for name, one in value.items()) or NOTHING
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ", ".join(map(plain, value)) or NOTHING
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return str(value)


def smoke_calls(calls: Iterable[Mapping]) -> str:
    """What a proof called, each with how long it took."""
    return ", ".join(f"{one['call']} ({milliseconds(one['seconds'])})" for one in calls) or NOTHING


def moment(when: float | None) -> str:
    """A point in time, in UTC: who reads it may be anywhere."""
    if when is None:
        return NOTHING
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def epoch(value: object) -> float | None:
    """Epoch seconds from those, or from a time in ISO 8601, which is UTC without a zone."""
    if value in (None, ""):
        return None
    try:
        return float(value)
    except ValueError:
        read = datetime.fromisoformat(value)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def duration(seconds: float | None) -> str:
    """As people say it: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 1 min`."""
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{number(round(seconds, 1)) if seconds < 10 else round(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def milliseconds(value: float | None) -> str:
    """A duration in seconds, as milliseconds."""
    return NOTHING if value is None else f"{value * 1000:.{0 if value >= 0.1 else 1}f} ms"


def percent(value: float | None) -> str:
    """A share from 0 to 1."""
    return NOTHING if value is None else f"{value * 100:.1f} %"
