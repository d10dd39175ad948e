"""Building a release: the same source gives the same bytes, and what exists is never replaced."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fleet import contract
from fleet.errors import FleetError
from fleet.paths import shown
from fleet.release import lock, manifest, source
from fleet.release.source import Source
from fleet.release.target import PYTHON, UV_PLATFORM
from fleet.release.tools import UV, run
from fleet.release.wheelhouse import Wheelhouse


@dataclass(frozen=True)
class Built:
    """A release that now exists."""

    folder: Path
    new: bool  # whether this call built it


def build(service: str, folder: Path, *, chassis: Path, releases: Path, cache: Path) -> Built:
    """Build a service's release from a source folder, unless it exists.

    Args:
        service: the name that the source must have.
        folder: the source, see `fleet.release.source.Source`.
        chassis: source of the library that goes into every release.
        releases: folder that releases are in.
        cache: folder that keeps downloaded wheels for the next time.

    Raises:
        FleetError: the source can't be built, or the release exists with other content. Nothing was changed.
    """
    sources = [source.read_service(folder, service), source.read(chassis)]
    own = sources[0]
    source_sha256 = hashlib.sha256("".join(one.sha256 for one in sources).encode()).hexdigest()
    target = releases / manifest.folder_name(service, own.version)
    with _one_at_a_time(releases):
        if target.exists():
            _check_same(target, own, source_sha256)
            return Built(target, new=False)
        agreed = contract.as_text(contract.extract(own.modules, own.module))
        unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=releases))
        try:
            unfinished.chmod(0o755)
            (unfinished / manifest.CONTRACT).write_text(agreed, "utf-8")
            _fill(unfinished, sources, cache)
            manifest.write(unfinished, service, own, source_sha256)
            _check_complete(unfinished, own)
            unfinished.rename(target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return Built(target, new=True)


@contextmanager
def _one_at_a_time(releases: Path) -> Iterator[None]:
    """Wait for other builds, and remove what builds that were killed have left."""
    releases.mkdir(parents=True, exist_ok=True)
    with (releases / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        for left in releases.glob(".unfinished-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def _check_same(target: Path, own: Source, source_sha256: str) -> None:
    remove = f"`rm -r {shown(target)}` if no host has it"
    if problems := manifest.verify(target):
        raise FleetError(f"{shown(target)} is damaged ({'; '.join(problems)}): {remove}, then build it again.")
    if manifest.read(target)["source_sha256"] != source_sha256:
        raise FleetError(
            f"{shown(target)} is built already, from another source of the service or the chassis, and never changes:"
            f" raise the version in {shown(own.folder / 'pyproject.toml')}, or {remove}, then build again."
        )


def _fill(target: Path, sources: list[Source], cache: Path) -> None:
    wheels = target / manifest.WHEELS
    wheels.mkdir()
    for path in Wheelhouse(cache / "wheelhouse").provide(lock.read(sources[0].lock)):
        shutil.copyfile(path, wheels / path.name)
    with tempfile.TemporaryDirectory(prefix="fleet-build-") as name:
        for one in sources:
            copy = one.copy_to(Path(name) / one.project)
            command = [*UV, "build", "--wheel", "--no-build-isolation", "--no-create-gitignore", "--offline"]
            run([*command, "--out-dir", str(wheels), str(copy)], f"Building the wheel of {shown(one.folder)}")


def _check_complete(target: Path, own: Source) -> None:
    """Let uv work out the installation as a host does: a package that the lock lacks is found here, not there."""
    command = [*UV, "pip", "install", "--dry-run", "--offline", "--no-index", "--require-hashes"]
    command += ["--python-version", PYTHON, "--python-platform", UV_PLATFORM]
    command += ["--find-links", str(target / manifest.WHEELS), "--requirement", str(target / manifest.REQUIREMENTS)]
    with tempfile.TemporaryDirectory(prefix="fleet-trial-") as empty:
        try:
            run([*command, "--target", empty], "a trial installation")
        except FleetError as error:
            raise FleetError(
                f"{shown(own.lock)} doesn't fit what the service and the chassis depend on; run `make lock` ({error})."
            ) from None
