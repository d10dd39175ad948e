"""One reason why two releases can't serve side by side."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Break:
    """What breaks, for whom, and how to get there without.

    The id stays the same from one comparison to the next, so that it can be allowed by name.
    """

    id: str  # such as airports_service.get:removed
    problem: str  # a sentence
    remedy: str  # a sentence: what to release first
    about: str = ""  # the method that it is about, such as airports_service.get


# The three steps of every change that breaks: expand, migrate, contract.
KEEP = "Keep {what} in this release; take it out in a later one, when no running caller uses it."
CONTRACT = "If no script does either, this is the step that takes it out; else keep it in this release."
EXPAND = "Add it beside the old in this release, move the callers to it, and take the old out in a later one."
