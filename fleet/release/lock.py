"""A service's `requirements.lock`: exact versions, each with the hashes of the files that may be it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from fleet.errors import FleetError
from fleet.paths import shown
from fleet.release.target import MARKER_ENVIRONMENT, PYTHON, UV_PLATFORM
from fleet.release.tools import UV, run

CHASSIS_PROJECT = "fleet-chassis"  # goes into each release from its source

_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


@dataclass(frozen=True)
class Locked:
    """One package that the lock demands."""

    name: str  # as PyPI writes it: lower case, with dashes
    version: str
    hashes: tuple[str, ...]  # SHA-256 of each file that is accepted, sorted

    @property
    def requirement(self) -> str:
        """A line for a requirements file."""
        return " ".join([f"{self.name}=={self.version}", *(f"--hash=sha256:{digest}" for digest in self.hashes)])


def read(path: Path) -> list[Locked]:
    """What a lock demands on the hosts, by name; what its markers leave out there is left out.

    Raises:
        FleetError: the file doesn't exist, or something in it isn't an exact version with hashes.
    """
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise FleetError(
            f"{shown(path)} is missing: `make lock` writes it from the service's pyproject.toml."
        ) from None
    joined = text.replace("\\\n", " ")
    lines = [line.split(" #")[0].strip() for line in joined.splitlines() if not line.lstrip().startswith("#")]
    locked = [_parse(path, line) for line in lines if line]
    return sorted((one for one in locked if one), key=lambda one: one.name)


def write(folder: Path, *, upgrade: bool) -> None:
    """Lock what a service's pyproject.toml depends on, for the hosts; the chassis itself is never locked.

    Args:
        folder: the service's source.
        upgrade: whether to take newer versions than those already locked.

    Raises:
        FleetError: no set of versions fits, or the index can't be reached.
    """
    command = [*UV, "pip", "compile", "--generate-hashes", "--no-header", "--no-annotate"]
    command += ["--python-version", PYTHON, "--python-platform", UV_PLATFORM, "--no-emit-package", CHASSIS_PROJECT]
    command += ["--upgrade"] * upgrade + ["--output-file", str(folder / "requirements.lock")]
    run([*command, str(folder / "pyproject.toml")], f"Locking {shown(folder)}")


def _parse(path: Path, line: str) -> Locked | None:
    hashes = tuple(sorted(_HASH.findall(line)))
    try:
        requirement = Requirement(_HASH.sub("", line))
    except InvalidRequirement:
        requirement = None
    pins = list(requirement.specifier) if requirement else []
    if not hashes or len(pins) != 1 or pins[0].operator != "==" or "*" in pins[0].version:
        raise FleetError(
            f"{shown(path)} has a line that is no exact version with hashes, {line[:60]!r}: write it again with"
            " `make lock`."
        )
    if requirement.marker and not requirement.marker.evaluate(MARKER_ENVIRONMENT):
        return None
    return Locked(name=canonicalize_name(requirement.name), version=pins[0].version, hashes=hashes)
