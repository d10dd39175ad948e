"""The class that is a release's service, with all that it inherits from other classes of its package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from fleet.contract.entrypoints import entrypoints
from fleet.contract.modules import Modules, assigned, statements
from fleet.errors import FleetError

Function = ast.FunctionDef | ast.AsyncFunctionDef

# Bases that add no method to a service's interface.
_WITHOUT_METHODS = ("abc.", "builtins.object", "typing.")


@dataclass(frozen=True)
class Member:
    """A method or the value of an attribute, and the module that it is written in."""

    module: str
    node: Function | ast.expr


@dataclass
class ServiceClass:
    """A class with its inherited members, as Python finds them: the first class that has one wins."""

    title: str  # what it is called in the source
    members: dict[str, Member] = field(default_factory=dict)
    foreign: list[str] = field(default_factory=list)  # bases from outside of the package: what they add isn't known
    name: str | None = None  # what it is called by its callers

    @property
    def methods(self) -> dict[str, Member]:
        return {name: one for name, one in self.members.items() if isinstance(one.node, Function)}

    @property
    def attributes(self) -> dict[str, Member]:
        return {name: one for name, one in self.members.items() if not isinstance(one.node, Function)}


def find(modules: Modules, module: str) -> ServiceClass:
    """The service that `nameko run MODULE` runs.

    Raises:
        FleetError: the module has none, or several, or its name can't be read from the source.
    """
    path = f"src/{modules.path(module)}"
    named = [one for one in _classes(modules, module) if "name" in one.members]
    services = [one for one in named if any(entrypoints(modules, method) for method in one.methods.values())] or named
    if not services:
        raise FleetError(f'{path} has no service: it needs a class with name = "..._service".')
    if len(services) > 1:
        titles = ", ".join(one.title for one in services)
        raise FleetError(f"{path} has several services ({titles}), but a release is one: move the others elsewhere.")
    (service,) = services
    if service.name is None:
        raise FleetError(
            f"{path} doesn't say the name of {service.title} as text, so nobody can tell its queue: write"
            ' name = "..._service".'
        )
    return service


def _classes(modules: Modules, module: str) -> Iterator[ServiceClass]:
    for title, found in modules.names(module).items():
        at = modules.find(module, ast.Name(title)) if found.name else found
        if at and isinstance(at.node, ast.ClassDef):
            yield _inherit(modules, title, at.module, at.node)


def _inherit(modules: Modules, title: str, module: str, node: ast.ClassDef) -> ServiceClass:
    result = ServiceClass(title)
    _add(modules, result, module, node, seen=set())
    if "name" in result.members:
        member = result.members["name"]
        value = modules.constant(member.module, member.node) if isinstance(member.node, ast.expr) else None
        result.name = value if isinstance(value, str) else None
    return result


def _add(modules: Modules, result: ServiceClass, module: str, node: ast.ClassDef, seen: set[ast.ClassDef]) -> None:
    seen.add(node)
    for name, member in _own(module, node).items():
        result.members.setdefault(name, member)
    for base in node.bases:
        expression = base.value if isinstance(base, ast.Subscript) else base  # Generic[T]
        found = modules.find(module, expression)
        if found and isinstance(found.node, ast.ClassDef):
            if found.node not in seen:
                _add(modules, result, found.module, found.node, seen)
        elif not (found and found.name.startswith(_WITHOUT_METHODS)):
            result.foreign.append(ast.unparse(base))


def _own(module: str, node: ast.ClassDef) -> dict[str, Member]:
    members = {}
    for statement in statements(node.body):
        if isinstance(statement, Function):
            members[statement.name] = Member(module, statement)
        members.update((name, Member(module, value)) for name, value in assigned(statement))
    return members
