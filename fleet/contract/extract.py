"""A service's contract, read from its source. Nothing of the source is imported or executed."""

from __future__ import annotations

import json
from collections.abc import Mapping

from fleet.contract import calls, classes
from fleet.contract.classes import ServiceClass
from fleet.contract.entrypoints import entrypoints, unknown_decorators
from fleet.contract.methods import signature
from fleet.contract.modules import Modules

FORMAT = 1


def extract(files: Mapping[str, bytes], module: str) -> dict:
    """The contract of the service in a module; see `fleet.contract` for its form.

    Args:
        files: path below `src/` to content, of the service's own package.
        module: the module that `nameko run` is given.

    Raises:
        FleetError: there is no service in it, or what is needed of it can't be read.
    """
    modules = Modules(files)
    service = classes.find(modules, module)
    notes = [
        f"{service.title} inherits from {base}, which is not in its package: what that adds is not known."
        for base in service.foreign
    ]
    methods, events, routes, consumed = _interface(modules, service, notes)
    used = calls.find(modules, service, notes)
    return {
        "format": FORMAT,
        "service": service.name,
        "methods": dict(sorted(methods.items())),
        "events": {"handles": _unique(events)},
        "consumes": _unique(consumed),
        "routes": _unique(routes),
        "calls": {
            other: {
                method: sorted(sites, key=lambda site: json.dumps(site, sort_keys=True))
                for method, sites in sorted(made.items())
            }
            for other, made in sorted(used.made.items())
        },
        "unknown_calls": {other: sorted(places) for other, places in sorted(used.lost.items())},
        "notes": sorted(notes),
    }


def as_text(contract: dict) -> str:
    """A contract as it stands in its file: the same contract, the same bytes."""
    return json.dumps(contract, indent=2, ensure_ascii=False) + "\n"


def _interface(modules: Modules, service: ServiceClass, notes: list[str]) -> tuple[dict, list, list, list]:
    methods, events, routes, consumed = {}, [], [], []
    for name, member in service.methods.items():
        found = entrypoints(modules, member)
        for one in found:
            if None in one.arguments:
                notes.append(f"{name}: what it answers to can't be read from the source: give it as text.")
            elif one.kind == "rpc":
                methods[name] = signature(modules, member, notes)
            elif one.kind == "event":
                source, event = one.arguments
                events.append({"service": source, "event": event, "method": name, **one.options})
            elif one.kind == "http":
                verbs, path = one.arguments
                routes += [{"method": verb, "path": path} for verb in verbs.split(",")]
            elif one.kind == "consume":
                consumed.append({"queue": "".join(one.arguments), "method": name})
        if not found:
            notes += [
                f"{name}: whether {decorator} makes it callable can't be told, so it counts as not callable."
                for decorator in unknown_decorators(modules, member)
            ]
    return methods, events, routes, consumed


def _unique(entries: list[dict]) -> list[dict]:
    return [dict(one) for one in sorted({tuple(entry.items()) for entry in entries}, key=str)]
