"""The one kind of error that an operator is meant to read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FleetError(Exception):
    """What is wrong, which values are valid and what to type, in a sentence for an operator at 3 a.m."""


def suggestion(name: object, valid: Iterable[str]) -> str:
    """Help with a mistyped name: the closest valid one if there is one, and all of them."""
    names = sorted(valid)
    close = difflib.get_close_matches(str(name), names, n=1)
    meant = f"did you mean {close[0]}? " if close else ""
    return f"{meant}valid: {', '.join(names) or 'none'}"
