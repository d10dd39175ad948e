"""Whether the calls that one service makes fit the methods that another has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fleet.contract.breaks import Break
from fleet.contract.methods import KEYWORD_ONLY, POSITIONAL_ONLY


def caller_breaks(caller: Mapping, callee: Mapping, remedy: str) -> Iterator[Break]:
    """Each method of a callee that a caller calls in a way that it can't be called.

    What is unpacked into a call (`*page`) can't be counted: such a call breaks only if no number of arguments would do.

    Args:
        caller: the contract of the service that calls.
        callee: the contract of the one that it calls.
        remedy: what to release first.
    """
    for name, sites in caller["calls"].get(callee["service"], {}).items():
        about = f"{callee['service']}.{name}"
        own = f"{caller['service']}.calls.{about}"
        method = callee["methods"].get(name)
        if method is None:
            yield Break(f"{own}:missing", f"{caller['service']} calls {about}, which is not there.", remedy, about)
        elif reason := next(filter(None, (_why_not(site, method) for site in sites)), None):
            yield Break(f"{own}:unfit", f"{caller['service']} calls {about} {reason}.", remedy, about)


def unknowns(contract: Mapping) -> list[str]:
    """What can't be compared of a service, in sentences: what its source doesn't tell, and calls that can't be read."""
    lost = [
        f"{place} uses {service} in a way that can't be followed, so what it calls there is not compared."
        for service, places in contract["unknown_calls"].items()
        for place in places
    ]
    uncounted = [
        f"{service}.{method} is called with arguments that are unpacked, so their number is not compared."
        for service, methods in contract["calls"].items()
        for method, sites in methods.items()
        if any(site["unpacked_positional"] or site["unpacked_keywords"] for site in sites)
    ]
    return [*contract["notes"], *lost, *uncounted]


def _why_not(site: Mapping, method: Mapping) -> str | None:
    """Why a call can't be bound to a method's parameters, as the end of a sentence."""
    places = [one for one in method["parameters"] if one["kind"] != KEYWORD_ONLY]
    if site["positional"] > len(places) and not method["more_positional"]:
        return f"with {site['positional']} positional argument(s), and it takes {len(places)}"
    given = {one["name"] for one in places[: site["positional"]] if one["kind"] != POSITIONAL_ONLY}
    names = {one["name"] for one in method["parameters"] if one["kind"] != POSITIONAL_ONLY}
    for keyword in site["keywords"]:
        if keyword in given:
            return f"with {keyword} twice, by position and by name"
        if keyword not in names and not method["more_keywords"]:
            return f"with the keyword {keyword}, which it doesn't know"
    for one in method["parameters"]:
        if one["required"] and not _may_be_given(one, site, places):
            return f"without {one['name']}, which it needs"
    return None


def _may_be_given(parameter: Mapping, site: Mapping, places: list[Mapping]) -> bool:
    by_name = parameter["name"] in site["keywords"] or site["unpacked_keywords"]
    if parameter["kind"] == KEYWORD_ONLY:
        return by_name
    by_place = parameter in places[: site["positional"]] or site["unpacked_positional"]
    return by_place or (by_name and parameter["kind"] != POSITIONAL_ONLY)
