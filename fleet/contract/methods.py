"""What a method takes and gives: its parameters, and the schemas of what is declared."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from fleet.contract.annotations import UntranslatableError, schema
from fleet.contract.classes import Member
from fleet.contract.modules import Modules

POSITIONAL_ONLY, ANY, KEYWORD_ONLY = "positional_only", "positional_or_keyword", "keyword_only"


def signature(modules: Modules, method: Member, notes: list[str]) -> dict:
    """A method as its callers see it, without its first parameter.

    Returns:
        `parameters` (each with `name`, `kind`, `required` and, where it is declared, `schema`), `more_positional` and
        `more_keywords` (whether it takes any others), and `result`, a schema, where that is declared. What is annotated
        but says nothing here is added to the notes, in a sentence.
    """

    def declared(annotation: ast.expr | None, what: str) -> Iterator[dict]:
        if annotation is not None:
            try:
                yield schema(modules, method.module, annotation)
            except UntranslatableError as part:
                notes.append(f"{method.node.name}: {what} counts as not declared, for {part} says no JSON Schema.")

    arguments = method.node.args
    parameters = []
    for kind, argument, required in _parameters(arguments):
        parameter = {"name": argument.arg, "kind": kind, "required": required}
        for one in declared(argument.annotation, f"the parameter {argument.arg}"):
            parameter["schema"] = one
        parameters.append(parameter)
    result = {
        "parameters": parameters,
        "more_positional": arguments.vararg is not None,
        "more_keywords": arguments.kwarg is not None,
    }
    for one in declared(method.node.returns, "the result"):
        result["result"] = one
    return result


def _parameters(arguments: ast.arguments) -> Iterator[tuple[str, ast.arg, bool]]:
    """Kind, parameter and whether it is required, for each but the first."""
    positional = [(POSITIONAL_ONLY, one) for one in arguments.posonlyargs] + [(ANY, one) for one in arguments.args]
    first_default = len(positional) - len(arguments.defaults)
    for index, (kind, argument) in enumerate(positional):
        if index > 0:
            yield kind, argument, index < first_default
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield KEYWORD_ONLY, argument, default is None
