"""Whether two entries of the catalogue, or what holds them, are the same."""

from __future__ import annotations

import json
from collections.abc import Mapping


def same(one: Mapping | None, other: Mapping | None) -> bool:
    """Compared in the record's form: what YAML has and JSON hasn't, such as a date, has become text there."""
    return recorded(one) == recorded(other)


def same_revision(one: Mapping | None, other: Mapping | None) -> bool:
    """Whether two states of a service, or none, have one entry and one revision."""
    if one is None or other is None:
        return one is other
    return one["revision"] == other["revision"] and same(one["entry"], other["entry"])


def recorded(entry: Mapping | None) -> object:
    """An entry as the record has it."""
    return json.loads(json.dumps(entry, default=str))
