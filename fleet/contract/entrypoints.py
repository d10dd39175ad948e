"""What makes a method callable from outside: decorators of Nameko and of the chassis, under whatever name."""

from __future__ import annotations

import ast
from dataclasses import dataclass
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
# Decorators that make nothing callable.
_HARMLESS = ("abc.", "builtins.", "contextlib.", "functools.", "typing.")


@dataclass(frozen=True)
class Entrypoint:
    """One decorator of a method, with what it was given; None for an argument that can't be read."""

    kind: str  # rpc, event, http, or another that nobody calls by name
    arguments: tuple[object, ...] = ()


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
    return Entrypoint(kind, _arguments(modules, module, kind, call))


def _arguments(modules: Modules, module: str, kind: str, call: ast.Call | None) -> tuple[object, ...]:
    """The two arguments that say what it answers to, by position or by name."""
    names = {"http": ("method", "url"), "event": ("source_service", "event_type")}.get(kind, ())
    if not names or call is None:
        return (None,) * len(names)
    given = dict(zip(names, call.args, strict=False)) | {one.arg: one.value for one in call.keywords}
    return tuple(modules.constant(module, given[name]) if name in given else None for name in names)
