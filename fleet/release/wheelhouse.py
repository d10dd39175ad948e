"""A cache of wheels for the hosts' Python, shared by all services.

Files lie under their own SHA-256, so what a lock demands is found by the hashes in it, and a damaged file is
never used. What exists as source only becomes a wheel here, once.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

from fleet.errors import FleetError
from fleet.release.lock import Locked
from fleet.release.target import ARCHITECTURE, PLATFORMS, PYTHON
from fleet.release.tools import PIP, run


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Wheelhouse:
    """Wheels below a folder, which is made when it is needed and may be deleted at any time."""

    def __init__(self, folder: Path):
        self._files = folder / f"cp{PYTHON.replace('.', '')}-{ARCHITECTURE}"
        # A wheel made from source also depends on the tools that made it.
        self._made_with = "-".join(f"{tool}{version(tool)}" for tool in ("pip", "setuptools", "wheel"))

    def provide(self, demanded: list[Locked]) -> list[Path]:
        """A wheel for each package, from the cache or else from the package index.

        Raises:
            FleetError: the index has no such file, or can't be reached, or a file has another hash than the lock.
        """
        missing = [one for one in demanded if not self._find(one.hashes)]
        if missing:
            self._download(missing)
        return [self._wheel(one) for one in demanded]

    def _find(self, hashes: tuple[str, ...]) -> Path | None:
        for digest in hashes:
            for path in (self._files / digest).glob("*"):
                if sha256(path) == digest:
                    return path
        return None

    def _keep(self, path: Path) -> Path:
        kept = self._files / sha256(path) / path.name
        kept.parent.mkdir(parents=True, exist_ok=True)
        # Another build may be reading it, and this one may be interrupted.
        unfinished = kept.with_name(f".{kept.name}")
        shutil.copyfile(path, unfinished)
        unfinished.replace(kept)
        return kept

    def _download(self, missing: list[Locked]) -> None:
        with tempfile.TemporaryDirectory(prefix="fleet-download-") as name:
            folder = Path(name)
            requirements = folder / "requirements.txt"
            requirements.write_text("\n".join(one.requirement for one in missing) + "\n", "utf-8")
            files = folder / "files"
            # --no-deps, for the lock is complete; it also lets pip take a source where there is no wheel.
            command = [*PIP, "download", "--quiet", "--no-deps", "--no-build-isolation", "--require-hashes"]
            command += ["--implementation", "cp", "--python-version", PYTHON]
            command += [f"--platform={platform}" for platform in PLATFORMS]
            command += ["--requirement", str(requirements), "--dest", str(files)]
            run(command, f"Downloading {', '.join(one.name for one in missing)}")
            for path in files.iterdir():
                self._keep(path)

    def _wheel(self, package: Locked) -> Path:
        path = self._find(package.hashes)
        if path is None:
            raise FleetError(f"No file for {package.name} {package.version} has a hash of the lock: run `make lock`.")
        return path if path.suffix == ".whl" else self._from_source(package, path)

    def _from_source(self, package: Locked, source: Path) -> Path:
        note = self._files / "made" / f"{sha256(source)}-{self._made_with}"
        if note.exists() and (made := self._find((note.read_text("utf-8"),))):
            return made
        with tempfile.TemporaryDirectory(prefix="fleet-wheel-") as name:
            command = [*PIP, "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--no-cache-dir"]
            run([*command, "--wheel-dir", name, str(source)], f"Making a wheel of {package.name}'s source")
            (wheel,) = Path(name).glob("*.whl")
            if not wheel.name.endswith("-none-any.whl"):
                raise FleetError(
                    f"{package.name} {package.version} exists as source only and needs a compiler: choose a version"
                    f" that has a wheel for Python {PYTHON}, or leave it out."
                )
            made = self._keep(wheel)
        note.parent.mkdir(exist_ok=True)
        note.write_text(made.parent.name, "utf-8")
        return made
