"""The catalogue's file, brought up to what the fleet runs, with all that people wrote around it left as it is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from fleet.catalogue import load
from fleet.errors import FleetError
from fleet.paths import shown


def follow(path: str | Path, entries: Mapping[str, Mapping]) -> list[str]:
    """Put the release of each entry into the file where it has another.

    Returns:
        What the operator should know: what was changed, and what is to be changed by hand.
    """
    path, said = Path(path), []
    for name, entry in entries.items():
        there = load(path).get(name)
        if there is None:
            said.append(f"{shown(path)} has no {name}: add what `make status` shows.")
            continue
        if there["release"] != entry["release"]:
            try:
                _replace(path, name, entry["release"])
            except FleetError as error:
                said.append(str(error))
                continue
            said.append(f"{shown(path)} now says {name} {entry['release']}: commit it.")
        different = sorted(
            key for key, value in there.items() if key != "release" and _meant(entry.get(key, value)) != _meant(value)
        )
        said += [
            f"{shown(path)} says {name}.{key}: {there[key]}, the fleet runs {entry[key]}: correct it."
            for key in different
        ]
    return said


def _meant(value: object) -> object:
    """A complete entry says of the parts of a mapping that are empty that they are, and a file need not."""
    return {key: part for key, part in value.items() if part} if isinstance(value, Mapping) else value


def _replace(path: Path, name: str, release: str) -> None:
    text = path.read_text("utf-8")
    root = yaml.compose(text, yaml.SafeLoader)
    node = _value(_value(_value(root, "services"), name), "release")
    before, after = text[: node.start_mark.index], text[node.end_mark.index :]
    new = release if isinstance(yaml.safe_load(release), str) else f'"{release}"'
    path.write_text(f"{before}{new}{after}", "utf-8")


def _value(node: yaml.MappingNode, key: str) -> yaml.Node:
    found = next((value for name, value in node.value if name.value == key), None)
    if found is None:  # merged from elsewhere (`<<`), where others have it too
        raise FleetError(f"The catalogue has no {key} of its own where the fleet runs another: correct it by hand.")
    return found
