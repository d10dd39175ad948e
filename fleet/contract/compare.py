"""Whether a new release of a service may answer beside an old one: callers can't choose between them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from fleet.contract.breaks import KEEP, Break
from fleet.contract.parameters import parameter_breaks
from fleet.contract.subset import why_not


def compare(old: Mapping, new: Mapping) -> list[Break]:
    """What callers of the old release can't rely on while the new one answers too; empty if the two are compatible.

    Callers that need something new of it are `fleet.contract.callers`' affair.
    """
    if old["service"] != new["service"]:
        return [_renamed(old["service"], new["service"])]
    return [*_methods(old, new), *_events(old, new), *_consumers(old, new), *_routes(old, new)]


def _renamed(old: str, new: str) -> Break:
    return Break(
        f"{old}:renamed",
        f"The service is called {new} now, so calls of {old} wait in a queue that nobody reads.",
        f'Give the class name = "{old}" again; a service of another name is another entry in the catalogue.',
    )


def _methods(old: Mapping, new: Mapping) -> Iterator[Break]:
    for name, before in old["methods"].items():
        about = f"{old['service']}.{name}"
        after = new["methods"].get(name)
        if after is None:
            yield Break(f"{about}:removed", f"The method {name} is gone.", KEEP.format(what=name), about)
        else:
            yield from parameter_breaks(about, before, after)
            yield from _result_breaks(about, before, after)


def _result_breaks(about: str, before: Mapping, after: Mapping) -> Iterator[Break]:
    remedy = "Answer what was promised, or give the new result a method of its own that callers move to."
    if "result" not in before:
        return  # nothing was promised
    if "result" not in after:
        problem = f"{about} no longer declares its result, so it can't be proven to be what callers were promised."
        yield Break(f"{about}.result:undeclared", problem, "Annotate the method's result again.", about)
    elif why := why_not(after["result"], before["result"]):
        problem = f"The result of {about} is not what callers were promised: {why}."
        yield Break(f"{about}.result:changed", problem, remedy, about)


def _events(old: Mapping, new: Mapping) -> Iterator[Break]:
    for one in old["events"]["handles"]:
        event = f"{one['service']}.{one['event']}"
        about = f"{old['service']}.on.{event}"
        there = [other for other in new["events"]["handles"] if _event(other) == _event(one)]
        if not there:
            yield Break(
                f"{about}:removed",
                f"The event {event} is no longer handled, while it goes on being sent.",
                f"Keep its handler in this release; take it out when nothing sends {event} any more.",
            )
        elif not any(_same_queue(one, other) for other in there):
            now = ", ".join(dict.fromkeys(f"{other['method']} ({other['handler_type']})" for other in there))
            yield Break(
                f"{about}.{one['method']}:moved",
                f"The event {event} was handled by {one['method']} ({one['handler_type']}) and is by {now} now, from"
                " another queue: with both there it is handled twice, and what then waits in the old queue nobody"
                " reads.",
                f"Keep {one['method']} and its handler_type and reliable_delivery in this release.",
            )


def _event(one: Mapping) -> tuple[str, str]:
    return one["service"], one["event"]


def _same_queue(old: Mapping, new: Mapping) -> bool:
    """Whether Nameko has both handlers read one queue (`nameko.events.EventHandler.setup`), or none is shared."""
    if "method" not in old or "method" not in new:
        return True  # read by a clone that didn't look at it
    kinds = old["handler_type"], new["handler_type"]
    if kinds == ("broadcast", "broadcast"):
        return True  # each instance has its own
    # A singleton's queue has no method in its name.
    alike = kinds == ("singleton", "singleton") or (kinds[0] == kinds[1] and old["method"] == new["method"])
    return alike and old["reliable"] == new["reliable"]


def _consumers(old: Mapping, new: Mapping) -> Iterator[Break]:
    there = [one["queue"] for one in new.get("consumes", [])]
    for one in old.get("consumes", []):
        if one["queue"] not in there:
            yield Break(
                f"{old['service']}.consumes.{one['method']}:changed",
                f"The queue {one['queue']} is no longer consumed, or is written in another way, so it can't be proven"
                " that what is sent to it is still read.",
                f"Keep {one['method']} and its queue as they are written; take them out when nobody sends there.",
            )


def _routes(old: Mapping, new: Mapping) -> Iterator[Break]:
    there: dict[tuple[str, str], list[str]] = {}
    for one in new["routes"]:
        there.setdefault(_route(one), []).append(one["path"])
    for one in old["routes"]:
        route = _route(one)
        about = f"{old['service']}.{one['method']}{route[1]}"
        if route not in there:
            problem = f"The route {one['method']} {one['path']} is gone."
            yield Break(f"{about}:removed", problem, "Keep it in this release, until its clients have moved.")
        elif _converters(one["path"]) not in map(_converters, there[route]):
            problem = (
                f"The route {one['method']} {one['path']} is {' and '.join(there[route])} now, which can't be proven to"
                " take every path that it took."
            )
            yield Break(f"{about}:changed", problem, "Keep the old path's variables, and add the new path beside it.")


_VARIABLE = re.compile(r"<(?:([^<>:]+):)?[^<>]+>")


def _route(one: Mapping) -> tuple[str, str]:
    """What clients see of a route: its variables' names they don't."""
    return one["method"], _VARIABLE.sub("{}", one["path"])


def _converters(path: str) -> list[str]:
    return _VARIABLE.findall(path)
