"""Whether two entries of the catalogue, or what holds them, are the same."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping


def same(one: Mapping | None, other: Mapping | None, but: Collection[str] = ()) -> bool:
    """Compared in the record's form: what YAML has and JSON hasn't, such as a date, has become text there.

    Args:
        but: keys that may differ.
    """
    return _rest(one, but) == _rest(other, but)


def same_revision(one: Mapping | None, other: Mapping | None) -> bool:
    """Whether two states of a service, or none, have one entry and one revision."""
    if one is None or other is None:
        return one is other
    return one["revision"] == other["revision"] and same(one["entry"], other["entry"])


def _rest(entry: Mapping | None, but: Collection[str]) -> object:
    return entry if entry is None else recorded({key: value for key, value in entry.items() if key not in but})


def recorded(entry: Mapping | None) -> object:
    """An entry as the record has it."""
    return json.loads(json.dumps(entry, default=str))
