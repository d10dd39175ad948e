"""What makes a method callable from outside: decorators of Nameko and of the chassis, under whatever name."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fleet.contract.modules import Modules

if TYPE_CHECKING:
    from fleet.contract.classes import Member

# Full names, as they are imported, to what they are here.
_KINDS = {
    "chassis.http.http": "http",
    "chassis.http.entrypoint.http": "http",
    "nameko.web.handlers.http": "http",
    "chassis.rpc.rpc": "rpc",
    "chassis.rpc.server.rpc": "rpc",
    "nameko.rpc.rpc": "rpc",
    "nameko.events.event_handler": "event",
    "nameko.timer.timer": "timer",
    "nameko.messaging.consume": "consume",
    "nameko.web.websocket.rpc": "websocket",
}
_ARGUMENTS = {"http": ("method", "url"), "event": ("source_service", "event_type")}  # what it answers to
_OPTIONS = ("handler_type", "reliable_delivery")  # of an event, after these
# The names of Nameko's handler types are their values in capitals.
_HANDLER_TYPES = {f"nameko.events.{name.upper()}": name for name in ("service_pool", "singleton", "broadcast")}
# Decorators that make nothing callable.
_HARMLESS = ("abc.", "builtins.", "contextlib.", "functools.", "typing.")


@dataclass(frozen=True)
class Entrypoint:
    """One decorator of a method, with what it was given; None for an argument that can't be read."""

    kind: str  # rpc, event, http, consume, or another that nobody calls by name
    arguments: tuple[object, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)  # of an event handler: what decides on its queue


def entrypoints(modules: Modules, method: Member) -> list[Entrypoint]:
    """Each entrypoint that a method is."""
    found = [_entrypoint(modules, method.module, decorator) for decorator in method.node.decorator_list]
    return [one for one in found if one]


def unknown_decorators(modules: Modules, method: Member) -> list[str]:
    """Decorators of which can't be told whether they make the method callable, as they are written."""
    names = []
    for decorator in method.node.decorator_list:
        function = decorator.func if isinstance(decorator, ast.Call) else decorator
        found = modules.find(method.module, function)
        # `@x.setter` of a property has no such name.
        known = found is not None and (found.name in _KINDS or found.name.startswith(_HARMLESS))
        if not known and not (isinstance(function, ast.Attribute) and function.attr in ("setter", "deleter")):
            names.append(ast.unparse(function))
    return names


def _entrypoint(modules: Modules, module: str, decorator: ast.expr) -> Entrypoint | None:
    call = decorator if isinstance(decorator, ast.Call) else None
    found = modules.find(module, call.func if call else decorator)
    if found is None or found.name not in _KINDS:
        return None
    kind = _KINDS[found.name]
    if kind == "consume":  # a queue is an object: how it is written is all that can be known of it
        queue = _given(("queue",), call).get("queue")
        return Entrypoint(kind, (queue and ast.unparse(queue),))
    names = _ARGUMENTS.get(kind, ())
    given = _given((*names, *_OPTIONS), call)
    arguments = tuple(modules.constant(module, given[name]) if name in given else None for name in names)
    return Entrypoint(kind, arguments, _queue_options(modules, module, given) if kind == "event" else {})


def _given(names: tuple[str, ...], call: ast.Call | None) -> dict[str, ast.expr]:
    """A decorator's arguments by name, whether they are given by position or by name."""
    if call is None:
        return {}
    return dict(zip(names, call.args, strict=False)) | {one.arg: one.value for one in call.keywords}


def _queue_options(modules: Modules, module: str, given: Mapping[str, ast.expr]) -> dict[str, object]:
    """Of which type an event handler is and whether its queue outlives it; None for what can't be read."""
    written = given.get("handler_type")
    found = modules.find(module, written) if written is not None else None
    kind = "service_pool" if written is None else modules.constant(module, written)
    reliable = modules.constant(module, given["reliable_delivery"]) if "reliable_delivery" in given else True
    return {"handler_type": _HANDLER_TYPES.get(found.name if found else "", kind), "reliable": reliable}
