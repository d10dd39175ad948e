"""Whether every value that one JSON Schema allows is allowed by another.

Compared are the keywords in `KEYWORDS`. Equal schemas are alike whatever is in them; of others, what can't be proven
counts as a difference, and the reason says so. `anyOf` is compared where nothing else stands beside it. With `x-closed`
(`fleet.contract.annotations.CLOSED`) a value has no other properties than the schema names, though it would be allowed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator

from jsonschema import Draft202012Validator

COMMENTS = {"$comment", "default", "deprecated", "description", "examples", "title"}
KEYWORDS = {
    *("type", "enum", "const", "anyOf", "properties", "required", "additionalProperties", "items", "x-closed"),
    *("minimum", "maximum", "minLength", "maxLength"),
}
TYPES = ("null", "boolean", "number", "string", "array", "object")  # integers are among the numbers
_FEW = {"null": [None], "boolean": [False, True]}

Schema = dict | bool


def why_not(narrow: Schema, wide: Schema) -> str | None:
    """Why values of the first schema may not be values of the second; None when all of them are."""
    return next(_reasons(_plain(narrow), _plain(wide), ""), None)


def _plain(schema: Schema) -> Schema:
    """A schema as a mapping without comments; only `false` stays as it is."""
    if isinstance(schema, bool):
        return {} if schema else False
    return {key: value for key, value in schema.items() if key not in COMMENTS}


def _canonical(schema: Schema) -> str:
    return json.dumps(schema, sort_keys=True)


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _reasons(narrow: Schema, wide: Schema, at: str) -> Iterator[str]:
    """Each reason, with the place in the value that it is about."""
    if narrow is False or wide == {} or _canonical(narrow) == _canonical(wide):
        return
    if wide is False:
        yield f"{at or 'the value'} is no longer allowed"
        return
    unknown = sorted({*narrow, *wide} - KEYWORDS)
    if unknown:
        yield f"it can't be proven for {at or 'the value'}: the keyword {unknown[0]} is compared for equality only"
        return
    for one in (narrow, wide):
        if "anyOf" in one and len(one) > 1:
            yield f"it can't be proven for {at or 'the value'}: there are other keywords beside anyOf"
            return
    if "anyOf" in narrow:
        for one in narrow["anyOf"]:
            yield from _reasons(_plain(one), wide, at)
    else:
        for one in _alternatives(narrow):
            yield from _fits(one, wide, at)


def _alternatives(schema: dict) -> Iterator[dict]:
    """Schemas of one type each, or of one value, that together allow what a schema without anyOf allows."""
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    types = schema.get("type", list(TYPES))
    for one in [types] if isinstance(types, str) else types:
        if values is None and one not in _FEW:
            yield {**schema, "type": one}
    few = [value for one in _FEW for value in _FEW[one]] if values is None else values
    yield from ({"enum": [value]} for value in few if Draft202012Validator(schema).is_valid(value))


def _fits(narrow: dict, wide: dict, at: str) -> Iterator[str]:
    """Hold one alternative against a schema."""
    if "anyOf" in wide:
        yield from _fits_any(narrow, [_plain(one) for one in wide["anyOf"]], at)
    elif "enum" in narrow:
        if not Draft202012Validator(wide).is_valid(narrow["enum"][0]):
            yield f"{at or 'the value'} may be {_kind(narrow)}"
    elif "enum" in wide or "const" in wide:
        yield f"{at or 'the value'} may be another {_kind(narrow)} than {_shown(wide.get('enum', [wide.get('const')]))}"
    elif not _has_type(narrow["type"], wide):
        yield f"{at or 'the value'} may be {_kind(narrow)}"
    else:
        yield from _OF_TYPE.get(narrow["type"], _no_reasons)(narrow, wide, at)


def _fits_any(narrow: dict, choices: list[Schema], at: str) -> Iterator[str]:
    reasons = [next(_reasons(narrow, one, at), None) for one in choices]
    if all(reasons):
        # Where only one choice is of its type, that one's reason says most.
        alike = [
            why for why, one in zip(reasons, choices, strict=True) if one and one.get("type") == narrow.get("type")
        ]
        yield alike[0] if len(alike) == 1 else f"{at or 'the value'} may be {_kind(narrow)}"


def _kind(schema: dict) -> str:
    if "enum" in schema:
        return _shown(schema["enum"][0])
    return {"integer": "a whole number", "array": "a list", "object": "a mapping"}.get(schema["type"], schema["type"])


def _has_type(one: str, schema: dict) -> bool:
    types = schema.get("type", list(TYPES))
    types = [types] if isinstance(types, str) else types
    return one in types or (one == "integer" and "number" in types)


def _no_reasons(_narrow: dict, _wide: dict, _at: str) -> Iterator[str]:
    yield from ()


def _limits(low: str, high: str, *, least: float, words: tuple[str, str]) -> Callable[[dict, dict, str], Iterator[str]]:
    def reasons(narrow: dict, wide: dict, at: str) -> Iterator[str]:
        if narrow.get(low, least) < wide.get(low, least):
            yield f"{at or 'the value'} may be {words[0]} than {wide[low]}"
        if narrow.get(high, math.inf) > wide.get(high, math.inf):
            yield f"{at or 'the value'} may be {words[1]} than {wide[high]}"

    return reasons


def _array(narrow: dict, wide: dict, at: str) -> Iterator[str]:
    yield from _reasons(_plain(narrow.get("items", True)), _plain(wide.get("items", True)), f"{at}[]")


def _object(narrow: dict, wide: dict, at: str) -> Iterator[str]:
    for name in wide.get("required", []):
        if name not in narrow.get("required", []):
            yield f"{at}.{name} may be missing"
    names = [*narrow.get("properties", {}), *wide.get("properties", {})]
    for name in dict.fromkeys(names):
        given = _plain(narrow.get("properties", {}).get(name, _others(narrow)))
        taken = _plain(wide.get("properties", {}).get(name, wide.get("additionalProperties", True)))
        yield from _reasons(given, taken, f"{at}.{name}")
    yield from _reasons(_others(narrow), _plain(wide.get("additionalProperties", True)), f"{at}.*")


def _others(schema: dict) -> Schema:
    """What properties of other names have in the values that there are."""
    return False if schema.get("x-closed") else _plain(schema.get("additionalProperties", True))


_NUMBER = _limits("minimum", "maximum", least=-math.inf, words=("less", "more"))
_OF_TYPE = {
    "array": _array,
    "integer": _NUMBER,
    "number": _NUMBER,
    "object": _object,
    "string": _limits("minLength", "maxLength", least=0, words=("shorter", "longer")),
}
