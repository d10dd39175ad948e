"""The source of a service, as far as it goes into a release."""

from __future__ import annotations

import hashlib
import re
import shutil
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from packaging.utils import canonicalize_name

from fleet.errors import FleetError
from fleet.paths import shown

VERSION = re.compile(r"[0-9]+(\.[0-9]+)*((a|b|rc)[0-9]+)?")
VERSION_EXAMPLE = "1.4.0 or 2.0.0rc1"
PREFIX = "fleet-"
_DERIVED = ("__pycache__", ".egg-info", ".pyc")


@dataclass(frozen=True)
class Source:
    """A Python package's folder: pyproject.toml, requirements.lock, src/ and the README that pyproject.toml names."""

    folder: Path
    project: str  # the package's name; a service's has PREFIX before its own, which may be taken elsewhere
    version: str
    readme: str | None
    module: str | None  # the module for `nameko run`; the chassis has none

    @property
    def lock(self) -> Path:
        return self.folder / "requirements.lock"

    @cached_property
    def files(self) -> dict[str, bytes]:
        """Path to content of everything that a build gets to see, so that nothing else can get into it."""
        paths = [self.folder / name for name in ("pyproject.toml", "requirements.lock", self.readme) if name]
        paths += (self.folder / "src").rglob("*")
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in sorted(paths)
            if path.is_file() and not any(part.endswith(_DERIVED) for part in path.parts)
        }

    @property
    def modules(self) -> dict[str, bytes]:
        """Path below src/ to content."""
        return {path.removeprefix("src/"): one for path, one in self.files.items() if path.startswith("src/")}

    @cached_property
    def sha256(self) -> str:
        """One hash of all files with their names."""
        listing = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in self.files.items())
        return hashlib.sha256(listing.encode()).hexdigest()

    def copy_to(self, folder: Path) -> Path:
        """Lay the files out afresh, as they were hashed."""
        shutil.rmtree(folder, ignore_errors=True)
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return folder


def read(folder: Path) -> Source:
    """Read a package's pyproject.toml.

    Raises:
        FleetError: there is none, or what a release needs of it is missing or malformed.
    """
    path = folder / "pyproject.toml"
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise FleetError(f"{shown(folder)} is no source of a service: it has no pyproject.toml.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FleetError(f"{shown(path)} can't be read as TOML: {error}.") from None
    project = content.get("project", {})
    name, version = project.get("name"), project.get("version")
    if not isinstance(name, str):
        raise FleetError(f'{shown(path)} needs the service\'s name: write name = "..." under [project].')
    if not isinstance(version, str) or not VERSION.fullmatch(version):
        raise FleetError(
            f"{shown(path)} has the version {version!r} under [project]: write an exact one such as {VERSION_EXAMPLE}."
        )
    readme = project.get("readme")
    return Source(
        folder=folder,
        project=canonicalize_name(name),
        version=version,
        readme=readme.get("file") if isinstance(readme, dict) else readme,
        module=content.get("tool", {}).get("fleet", {}).get("module"),
    )


def read_service(folder: Path, service: str) -> Source:
    """Read a service's source and check that it is this service and says what `nameko run` is to run.

    Raises:
        FleetError: it isn't, or doesn't.
    """
    source = read(folder)
    path = shown(folder / "pyproject.toml")
    if source.project not in (canonicalize_name(service), canonicalize_name(PREFIX + service)):
        raise FleetError(
            f"{path} is the source of {source.project}, not of {service}: give the service's own as SOURCE."
        )
    if not isinstance(source.module, str):
        raise FleetError(f'{path} doesn\'t say what to run: write module = "{service}.service" under [tool.fleet].')
    below = f"src/{source.module.replace('.', '/')}"
    if not {f"{below}.py", f"{below}/__init__.py"} & set(source.files):
        raise FleetError(f"{path} names the module {source.module} under [tool.fleet], but there is no {below}.py.")
    return source
