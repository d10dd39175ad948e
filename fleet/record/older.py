"""Whether a clone's catalogue is one that the fleet has left behind."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from fleet.record.document import moment
from fleet.record.entries import same


def older_entries(
    record: Mapping, catalogue: Mapping[str, Mapping], allowed: Collection[str] = (), *, release_named: bool = False
) -> list[dict[str, str]]:
    """Each service of which the catalogue has what the fleet had before: `problem` and `remedy`, as sentences.

    Entries are compared rather than revisions, for another secret is no older catalogue.

    Args:
        record: The fleet's.
        catalogue: The complete one of this clone.
        allowed: Services that are meant to go back.
        release_named: Whether the operator named the release that is to run, so that an entry that differs from the
            fleet's in nothing else is none that was left behind.
    """
    found = []
    but = ("release",) if release_named else ()
    for name, entry in catalogue.items():
        current = record["services"].get(name)
        if name in allowed or (current and same(current["entry"], entry, but)):
            continue
        past = record["replaced"].get(name, [])
        matching = [number for number, one in enumerate(past) if same(one["entry"], entry)]
        if matching:
            number = matching[-1]
            successor = past[number + 1] if number + 1 < len(past) else current
            found.append(_problem(name, past[number], successor, current))
    return found


def _problem(name: str, old: Mapping, successor: Mapping | None, current: Mapping | None) -> dict[str, str]:
    release = old["entry"]["release"]
    if successor is None:
        change = "took it out"
    elif successor["entry"]["release"] == release:
        change = "changed its entry"
    else:
        change = f"replaced it with {successor['entry']['release']}"
    runs = f" (now {current['entry']['release']})" if current else ""
    return {
        "problem": (
            f"The catalogue has {name} as it was until {moment(old['until'])} ({release}), when {old['by']} {change}: "
            "this clone is older than the fleet."
        ),
        "remedy": (
            f"Type `git pull`, or bring the catalogue to what the fleet runs{runs}; to go back on purpose, type "
            f"`make rollback SERVICE={name}`, or deploy with `-e allow_older={name}`."
        ),
    }
