"""Files of a run: facts and measurements as lines of JSON, from which a report can be made again."""

from __future__ import annotations

import json
from pathlib import Path


class Results:
    """One kind of run in a folder: NAME.jsonl, and the report's NAME.md and NAME.svg beside it. The last run stays."""

    def __init__(self, folder: Path, name: str):
        self._folder, self.name = Path(folder), name
        self.path = self._folder / f"{name}.jsonl"

    def begin(self, facts: dict) -> None:
        """Start anew, with what holds for the whole run."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(facts) + "\n", "utf-8")

    def add(self, line: dict) -> None:
        """Append one measurement."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def read(self) -> tuple[dict, list[dict]]:
        """The facts and the measurements."""
        facts, *lines = map(json.loads, self.path.read_text("utf-8").splitlines())
        return facts, lines

    def write(self, suffix: str, text: str) -> None:
        """Write a part of the report."""
        self.path.with_suffix(suffix).write_text(text, "utf-8")
