"""Type annotations as JSON Schemas: what a service's author writes anyway says what crosses RPC."""

from __future__ import annotations

import ast
import json

from jsonschema import Draft202012Validator, SchemaError

from fleet.contract.modules import Found, Modules

_PLAIN = {
    "builtins.None": {"type": "null"},
    "builtins.bool": {"type": "boolean"},
    "builtins.dict": {"type": "object"},
    "builtins.float": {"type": "number"},
    "builtins.int": {"type": "integer"},
    "builtins.list": {"type": "array"},
    "builtins.object": {},
    "builtins.str": {"type": "string"},
    "builtins.tuple": {"type": "array"},
    "typing.Any": {},
    "typing.Dict": {"type": "object"},
    "typing.List": {"type": "array"},
}
_ARRAYS = ("builtins.list", "builtins.tuple", "collections.abc.Sequence", "typing.List", "typing.Sequence")
_OBJECTS = ("builtins.dict", "collections.abc.Mapping", "typing.Dict", "typing.Mapping")
_TYPED_DICTS = ("typing.TypedDict", "typing_extensions.TypedDict")
_REQUIRED = {"typing.Required": True, "typing.NotRequired": False}
MAX_DEPTH = 20  # a type that contains itself has no end
#: Who writes a value of a TypedDict gives it no other names, and who reads one must expect them: JSON Schema's
#: `additionalProperties` can't say both.
CLOSED = {"x-closed": True}


class UntranslatableError(Exception):
    """An annotation that says nothing here; the message is the part that can't be translated."""


def schema(modules: Modules, module: str, annotation: ast.expr, depth: int = 0) -> dict:
    """The JSON Schema of an annotation.

    Translated are str, int, float, bool, None, list[X], dict[str, X], X | Y, Optional, Union, Literal, NewType, a
    TypedDict or an alias of the same package, and `Annotated[X, {...}]` with further keywords of JSON Schema.

    Raises:
        UntranslatableError: it is none of these, or has a part that isn't.
    """
    if depth > MAX_DEPTH:
        raise UntranslatableError(ast.unparse(annotation))
    match annotation:
        case ast.Constant(value=None):
            return _PLAIN["builtins.None"]
        case ast.Constant(value=str() as text):
            return schema(modules, module, _parsed(text), depth + 1)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _any_of([schema(modules, module, part, depth + 1) for part in (left, right)])
        case ast.Subscript(value=generic, slice=inside):
            arguments = inside.elts if isinstance(inside, ast.Tuple) else [inside]
            return _generic(modules, module, generic, arguments, depth + 1)
    found = modules.find(module, annotation)
    if found and found.name in _PLAIN:
        return _PLAIN[found.name]
    if found and found.node is not None:
        return _own(modules, found, annotation, depth + 1)
    raise UntranslatableError(ast.unparse(annotation))


def _parsed(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        raise UntranslatableError(repr(text)) from None


def _any_of(schemas: list[dict]) -> dict:
    """One of several, flat and without repetitions, so that it doesn't matter how it was put together."""
    flat = [part for one in schemas for part in (one["anyOf"] if set(one) == {"anyOf"} else [one])]
    unique = {json.dumps(one, sort_keys=True): one for one in flat}
    return {"anyOf": list(unique.values())} if len(unique) > 1 else flat[0]


def _generic(modules: Modules, module: str, generic: ast.expr, arguments: list[ast.expr], depth: int) -> dict:
    found = modules.find(module, generic)
    name = found.name if found else ""
    written = f"{ast.unparse(generic)}[{', '.join(map(ast.unparse, arguments))}]"

    def inner(expression: ast.expr) -> dict:
        return schema(modules, module, expression, depth)

    match name.rpartition(".")[2], arguments:
        case "Optional", [one]:
            return _any_of([inner(one), _PLAIN["builtins.None"]])
        case "Union", _:
            return _any_of([inner(one) for one in arguments])
        case "Annotated", [one, *more]:
            return _annotated(inner(one), more, written)
        case "Literal", _:
            return {"enum": [_literal(one) for one in arguments]}
    match arguments:
        case [one] if name in _ARRAYS:
            return {"type": "array", "items": inner(one)}
        case [one, ast.Constant(value=builtins_ellipsis)] if name in _ARRAYS and builtins_ellipsis is ...:
            return {"type": "array", "items": inner(one)}
        case [key, one] if name in _OBJECTS and inner(key).get("type") == "string":
            return {"type": "object", "additionalProperties": inner(one)}
    raise UntranslatableError(written)


def _literal(expression: ast.expr) -> object:
    try:
        value = ast.literal_eval(expression)
    except ValueError:
        value = b""
    if not isinstance(value, str | int | None):
        raise UntranslatableError(ast.unparse(expression))
    return value


def _annotated(plain: dict, metadata: list[ast.expr], written: str) -> dict:
    """A type with keywords of JSON Schema beside it; what else stands there is not for us."""
    keywords = {}
    for one in metadata:
        if isinstance(one, ast.Dict):
            try:
                keywords |= ast.literal_eval(one)
            except ValueError:
                raise UntranslatableError(written) from None
    both = {**plain, **keywords}
    try:
        Draft202012Validator.check_schema(both)
        text = json.dumps(both, allow_nan=False)
    except (SchemaError, TypeError, ValueError):
        raise UntranslatableError(written) from None
    # What points elsewhere can't stand alone, and of X | Y nobody can tell which of them it is said of.
    if '"$' in text or (keywords and "anyOf" in plain):
        raise UntranslatableError(written)
    return both


def _own(modules: Modules, found: Found, written: ast.expr, depth: int) -> dict:
    """A definition of the package itself."""
    match found.node:
        case ast.ClassDef() if _is_typed_dict(modules, found.module, found.node):
            return _typed_dict(modules, found.module, found.node, depth)
        case ast.Call(func=function, args=[_, ast.Dict() as fields], keywords=keywords) if _is(
            modules, found.module, function, *_TYPED_DICTS
        ):
            names = [modules.constant(found.module, key) for key in fields.keys if key]
            if len(names) == len(fields.keys) and all(isinstance(name, str) for name in names):
                pairs = zip(names, fields.values, strict=True)
                return _object(modules, found.module, pairs, total=_total(keywords), depth=depth)
        case ast.Call(func=function, args=[_, one]) if _is(modules, found.module, function, "typing.NewType"):
            return schema(modules, found.module, one, depth)
        case ast.Subscript() | ast.BinOp() | ast.Constant(value=None):  # an alias
            return schema(modules, found.module, found.node, depth)
    raise UntranslatableError(ast.unparse(written))


def _is(modules: Modules, module: str, expression: ast.expr, *names: str) -> bool:
    found = modules.find(module, expression)
    return found is not None and found.name in names


def _is_typed_dict(modules: Modules, module: str, node: ast.ClassDef, depth: int = 0) -> bool:
    def is_one(base: ast.expr) -> bool:
        found = modules.find(module, base)
        if found and isinstance(found.node, ast.ClassDef) and depth < MAX_DEPTH:
            return _is_typed_dict(modules, found.module, found.node, depth + 1)
        return found is not None and found.name in _TYPED_DICTS

    return bool(node.bases) and all(map(is_one, node.bases))


def _total(keywords: list[ast.keyword]) -> bool:
    return not any(
        one.arg == "total" and isinstance(one.value, ast.Constant) and not one.value.value for one in keywords
    )


def _typed_dict(modules: Modules, module: str, node: ast.ClassDef, depth: int) -> dict:
    inherited = [modules.find(module, base) for base in node.bases]
    parts = [
        _typed_dict(modules, one.module, one.node, depth) for one in inherited if isinstance(one.node, ast.ClassDef)
    ]
    fields = [(one.target.id, one.annotation) for one in node.body if isinstance(one, ast.AnnAssign)]
    parts.append(_object(modules, module, fields, total=_total(node.keywords), depth=depth))
    return {
        "type": "object",
        "properties": {name: one for part in parts for name, one in part["properties"].items()},
        "required": sorted({name for part in parts for name in part["required"]}),
        **CLOSED,
    }


def _object(modules: Modules, module: str, fields: object, *, total: bool, depth: int) -> dict:
    properties, required = {}, []
    for name, annotation in fields:
        needed = total
        if isinstance(annotation, ast.Subscript):
            found = modules.find(module, annotation.value)
            if found and found.name in _REQUIRED:
                needed, annotation = _REQUIRED[found.name], annotation.slice
        properties[name] = schema(modules, module, annotation, depth)
        if needed:
            required.append(name)
    return {"type": "object", "properties": properties, "required": sorted(required), **CLOSED}
