"""The modules of a package as they are written: what a name in them stands for, without importing anything."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fleet.errors import FleetError

MAX_STEPS = 20  # from name to name; whatever takes more goes in circles


@dataclass(frozen=True)
class Found:
    """What a name stands for: a definition in the package, or the full name of something from elsewhere."""

    module: str
    node: ast.AST | None = None  # a class, a function or the value of an assignment
    name: str = ""  # such as nameko.rpc.rpc, where the node is not in the package


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of a module or class in their order, those under `if`, `try` and `with` included."""
    for statement in body:
        yield statement
        for field in ("body", "handlers", "orelse", "finalbody"):
            if isinstance(statement, ast.If | ast.Try | ast.With | ast.ExceptHandler):
                yield from statements(getattr(statement, field, []))


def assigned(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Each name that an assignment gives a value, and the value."""
    if isinstance(statement, ast.Assign):
        yield from ((target.id, statement.value) for target in statement.targets if isinstance(target, ast.Name))
    elif isinstance(statement, ast.AnnAssign) and statement.value and isinstance(statement.target, ast.Name):
        yield statement.target.id, statement.value


def _dotted(node: ast.AST) -> list[str]:
    """The parts of a name such as `nameko.rpc`; empty for what is no name."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.insert(0, node.attr)
        node = node.value
    return [node.id, *parts] if isinstance(node, ast.Name) else []


def _builtin(module: str, name: str) -> Found | None:
    return Found(module, name=f"builtins.{name}") if hasattr(builtins, name) else None


class Modules:
    """The modules of a release's own package.

    Args:
        files: path below `src/` to content; what isn't Python is passed over.
    """

    def __init__(self, files: Mapping[str, bytes]):
        self._files = files
        self._names: dict[str, dict[str, Found]] = {}

    def path(self, module: str) -> str | None:
        """The file of a module; None if it is not one of these."""
        below = module.replace(".", "/")
        return next((path for path in (f"{below}.py", f"{below}/__init__.py") if path in self._files), None)

    def names(self, module: str) -> dict[str, Found]:
        """What a module's global names stand for, one step far.

        Raises:
            FleetError: the module is no Python.
        """
        if module not in self._names:
            names = self._names[module] = {}
            for statement in statements(self._tree(module).body):
                names.update(self._bound(module, statement))
        return self._names[module]

    def find(self, module: str, expression: ast.expr) -> Found | None:
        """What a name or a dotted name in a module stands for in the end; None for what can't be told."""
        parts = _dotted(expression)
        for _ in range(MAX_STEPS):
            if not parts:
                return None
            found = self.names(module).get(parts[0]) or _builtin(module, parts[0])
            if found is None:
                return None
            found, rest = self._imported(found, parts[1:])
            if found.name:
                return Found(found.module, name=".".join([found.name, *rest]))
            if rest:
                return None  # an attribute of something that is no module
            if not (other := _dotted(found.node)):
                return found
            module, parts = found.module, other
        return None

    def constant(self, module: str, expression: ast.expr) -> object:
        """The value of a literal, or of a name that stands for one; None where it can't be told."""
        found = self.find(module, expression)
        try:
            return ast.literal_eval(found.node if found and found.node else expression)
        except (ValueError, TypeError, SyntaxError):
            return None

    def _tree(self, module: str) -> ast.Module:
        path = self.path(module)
        try:
            return ast.parse(self._files[path], path)
        except (SyntaxError, ValueError) as error:
            line = f", line {error.lineno}" if getattr(error, "lineno", None) else ""
            running = ".".join(map(str, sys.version_info[:2]))
            raise FleetError(
                f"src/{path}{line} can't be read as Python ({error.args[0]}): correct it; what is newer than Python"
                f" {running}, which reads it here, can't stand in a service's own modules."
            ) from None

    def _bound(self, module: str, statement: ast.stmt) -> Iterator[tuple[str, Found]]:
        if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield statement.name, Found(module, statement)
        elif isinstance(statement, ast.Import):
            for alias in statement.names:
                name = alias.asname or alias.name.partition(".")[0]
                yield name, Found(module, name=alias.name if alias.asname else name)
        elif isinstance(statement, ast.ImportFrom):
            origin = self._origin(module, statement)
            for alias in statement.names:
                if alias.name == "*" and self.path(origin):
                    yield from list(self.names(origin).items())
                yield alias.asname or alias.name, Found(module, name=f"{origin}.{alias.name}")
        else:
            yield from ((name, Found(module, value)) for name, value in assigned(statement))

    def _origin(self, module: str, statement: ast.ImportFrom) -> str:
        if not statement.level:
            return statement.module
        is_package = (self.path(module) or "").endswith("/__init__.py")
        above = module.split(".")[: len(module.split(".")) + is_package - statement.level]
        return ".".join([*above, *filter(None, [statement.module])])

    def _imported(self, found: Found, rest: list[str]) -> tuple[Found, list[str]]:
        """Go through the package's own imports, to a definition or to a name from elsewhere."""
        for _ in range(MAX_STEPS):
            inside = self._inside(".".join([found.name, *rest])) if found.name else None
            if inside is None:
                break
            found, rest = inside
        return found, rest

    def _inside(self, name: str) -> tuple[Found, list[str]] | None:
        """A full name's definition in the package, and the attributes that are left; None for a name from elsewhere."""
        parts = name.split(".")
        for length in range(len(parts) - 1, 0, -1):
            module = ".".join(parts[:length])
            if self.path(module):
                found = self.names(module).get(parts[length])
                return (found, parts[length + 1 :]) if found else None
        return None
