"""Whether every call of a method as it was can be answered by the method as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fleet.contract.breaks import EXPAND, KEEP, Break
from fleet.contract.methods import KEYWORD_ONLY, POSITIONAL_ONLY
from fleet.contract.subset import why_not


def parameter_breaks(about: str, before: Mapping, after: Mapping) -> Iterator[Break]:
    """Each parameter, or kind of argument, that a caller of the old can't give any more or now has to.

    Args:
        about: the method, such as airports_service.get.
        before: the method in the old contract, see `fleet.contract.methods`.
        after: the same in the new one.
    """
    pairs = _pairs(before, after)
    for index, (old, new) in enumerate(pairs):
        if new is None:
            yield from _gone(about, index, old, pairs, after)
        else:
            yield from _kept(about, old, new, before, after)
    met = [id(new) for _, new in pairs if new]
    renamed = [id(one) for one in (_at(after, index) for index in _removed(pairs)) if one]
    for new in after["parameters"]:
        if id(new) not in met and id(new) not in renamed:
            yield from _added(about, new)
    yield from _taken(about, before, after)
    for key, words in (("more_positional", "further arguments"), ("more_keywords", "further keywords")):
        if before[key] and not after[key]:
            problem = f"{about} no longer takes {words}."
            yield Break(f"{about}:{key}", problem, f"Keep {words} in its signature.", about)


def _positional(method: Mapping) -> list[Mapping]:
    return [one for one in method["parameters"] if one["kind"] != KEYWORD_ONLY]


def _at(method: Mapping, index: int) -> Mapping | None:
    return next(iter(_positional(method)[index : index + 1]), None)


def _pairs(before: Mapping, after: Mapping) -> list[tuple[Mapping, Mapping | None]]:
    """Each old parameter with the new one that its argument goes to; one that has no name for callers by its place."""
    by_name = {one["name"]: one for one in after["parameters"] if one["kind"] != POSITIONAL_ONLY}
    pairs = []
    for index, old in enumerate(before["parameters"]):
        place = _at(after, index)
        same_place = place and (old["kind"] == POSITIONAL_ONLY or old["name"] == place["name"])
        pairs.append((old, place if same_place else by_name.get(old["name"])))
    return pairs


def _removed(pairs: list[tuple[Mapping, Mapping | None]]) -> list[int]:
    return [index for index, (old, new) in enumerate(pairs) if new is None and old["kind"] != KEYWORD_ONLY]


def _gone(about: str, index: int, old: Mapping, pairs: list, after: Mapping) -> Iterator[Break]:
    if old["kind"] == KEYWORD_ONLY and after["more_keywords"]:
        return
    known = {id(new) for _, new in pairs if new}
    other = _at(after, index) if old["kind"] != KEYWORD_ONLY else None
    problem = f"The parameter {old['name']} of {about} is gone."
    if other and id(other) not in known:
        problem = f"The parameter {old['name']} of {about} is called {other['name']} now."
    yield Break(f"{about}.{old['name']}:removed", problem, KEEP.format(what=old["name"]), about)


def _kept(about: str, old: Mapping, new: Mapping, before: Mapping, after: Mapping) -> Iterator[Break]:
    what = f"The parameter {old['name']} of {about}"
    own = f"{about}.{old['name']}"
    if _is_moved(old, new, before, after):
        yield Break(f"{own}:moved", f"{what} stands in another place now.", "Add parameters behind the others.", about)
    elif old["kind"] != POSITIONAL_ONLY and new["kind"] == POSITIONAL_ONLY:
        yield Break(f"{own}:unnamed", f"{what} can no longer be given by its name.", "Let it have its name.", about)
    if old["kind"] == POSITIONAL_ONLY != new["kind"] and before["more_keywords"]:
        problem = f"{what} takes the keyword {new['name']} now, which was one of its further keywords."
        yield Break(f"{own}:takes", problem, "Let it have no name for callers, as before (`/` behind it).", about)
    if new["required"] and not old["required"]:
        yield Break(f"{own}:required", f"{what} has no default any more.", "Keep the default.", about)
    yield from _schema_breaks(own, what, about, old, new)


def _is_moved(old: Mapping, new: Mapping, before: Mapping, after: Mapping) -> bool:
    place = _index(after, new)
    if old["kind"] == KEYWORD_ONLY:  # it had no place, and may have one that none had
        return place is not None and place < len(_positional(before))
    return place != _index(before, old)


def _index(method: Mapping, parameter: Mapping) -> int | None:
    names = [one["name"] for one in _positional(method)]
    return names.index(parameter["name"]) if parameter["name"] in names else None


def _schema_breaks(own: str, what: str, about: str, old: Mapping, new: Mapping) -> Iterator[Break]:
    if "schema" not in old:
        return  # what it takes was never said, so nothing is taken back
    if "schema" not in new:
        problem = f"{what} is no longer declared, so it can't be proven to take what it took."
        yield Break(f"{own}:undeclared", problem, "Annotate it again.", about)
    elif why := why_not(old["schema"], new["schema"]):
        problem = f"{what} takes less than it did: for callers of the old release {why}."
        yield Break(f"{own}:narrowed", problem, "Go on taking it in this release, until no caller sends it.", about)


def _added(about: str, new: Mapping) -> Iterator[Break]:
    own = f"{about}.{new['name']}"
    if new["required"]:
        problem = f"{about} has a new parameter {new['name']} without a default, which callers of the old don't give."
        yield Break(f"{own}:required", problem, f"Give it a default. {EXPAND}", about)


def _taken(about: str, before: Mapping, after: Mapping) -> Iterator[Break]:
    """Where there were further arguments, each new place takes one of them."""
    if before["more_positional"]:
        for new in _positional(after)[len(_positional(before)) :]:
            problem = f"The parameter {new['name']} of {about} takes what was one of its further arguments."
            yield Break(f"{about}.{new['name']}:takes", problem, "Let it be given by name only.", about)
