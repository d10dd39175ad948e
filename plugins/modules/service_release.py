"""A release of a service is installed on this host, verified by hash before anything of it is used."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import sys
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: service_release
short_description: A release of a service is installed on this host
description:
  - Verifies every wheel of a release and its contract against its manifest, and the manifest against the hash that the
    controller gives, then installs them offline into a virtual environment beside what runs. The release appears under
    its name in one rename, when all of it is on the disk, or not at all. The archive has served then, either way, and
    is removed.
options:
  archive: {description: The release (see fleet.release) as an uncompressed tar., type: path, required: true}
  manifest_sha256: {description: SHA-256 of the controller's manifest.json., type: str, required: true}
  destination: {description: Where the release is to be., type: path, required: true}
  uv: {description: The uv program., type: path, required: true}
"""

CONTRACT = "contract.json"

# Where a wheel stays while a release on this host has it, in a folder named by its SHA-256. By where it finds a wheel
# uv knows whether it has unpacked it before; releases that have it share its files by hard links.
STORE = Path("/var/cache/fleet/wheels")
CACHE = Path("/var/cache/fleet/uv")
INSTALLING = Path("/var/cache/fleet/installing")  # there while what uv keeps may be half written
ENVIRONMENT = {
    "UV_CACHE_DIR": str(CACHE),
    "UV_NO_CONFIG": "1",
    "UV_OFFLINE": "1",
    "UV_PYTHON_DOWNLOADS": "never",
}


class RefusedError(Exception):
    """The release is not what its manifest says, or can't be installed."""


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(source: Path, manifest_sha256: str) -> dict[str, str]:
    """Raise RefusedError with the first difference between the files and their manifest; the wheels' SHA-256s."""
    manifest = source / "manifest.json"
    if sha256(manifest) != manifest_sha256:
        raise RefusedError("manifest.json is not the controller's")
    described = json.loads(manifest.read_text("utf-8"))
    expected = described.get("contract_sha256")  # releases that were built before there were contracts have none
    if expected and (not (source / CONTRACT).is_file() or sha256(source / CONTRACT) != expected):
        raise RefusedError(f"{CONTRACT} is missing or corrupt: its SHA-256 is not the manifest's")
    wheels = {wheel["file"]: wheel["sha256"] for wheel in described["wheels"]}
    there = {path.name for path in (source / "wheels").iterdir()}
    for name in sorted(there ^ set(wheels)):
        raise RefusedError(f"wheel {name} is {'not in the manifest' if name in there else 'missing'}")
    for name, digest in wheels.items():
        if sha256(source / "wheels" / name) != digest:
            raise RefusedError(f"wheel {name} is corrupt: its SHA-256 is not the manifest's")
    return wheels


def stored(source: Path, wheels: dict[str, str]) -> Iterator[Path]:
    """Keep the verified wheels; the folder of each."""
    for name, digest in wheels.items():
        folder = STORE / digest
        # One that a power cut left half written is replaced.
        if not (folder / name).exists() or sha256(folder / name) != digest:
            folder.mkdir(parents=True, exist_ok=True)
            (source / "wheels" / name).rename(folder / name)
        yield folder


def clear_store(module: AnsibleModule, releases: Path) -> None:
    """Forget the wheels that no release on this host has any more."""
    try:
        manifests = [json.loads(path.read_text("utf-8")) for path in releases.glob("*/*/manifest.json")]
    except (OSError, ValueError):
        return  # of a release whose manifest can't be read nobody knows which it has
    used = {wheel["sha256"] for manifest in manifests for wheel in manifest["wheels"]}
    unused = [folder for folder in STORE.iterdir() if folder.name not in used]
    packages = {wheel.name.partition("-")[0] for folder in unused for wheel in folder.iterdir()}
    for folder in unused:
        shutil.rmtree(folder, ignore_errors=True)
    if packages:
        # The release is there by now: what can't be cleared is cleared the next time.
        run(module, [module.params["uv"], "--quiet", "cache", "clean", *sorted(packages)], lenient=True)


@contextlib.contextmanager
def lasting(module: AnsibleModule, releases: Path) -> Iterator[None]:
    """What is made inside is on the disk afterwards.

    What uv keeps is forgotten where it ended in there the last time, perhaps by a power cut: uv takes what it has
    unpacked for whole, and each release that is made of it would be as torn.
    """
    if INSTALLING.exists():
        shutil.rmtree(CACHE, ignore_errors=True)
    INSTALLING.touch()
    run(module, ["sync", INSTALLING.parent])
    yield
    run(module, ["sync", "--file-system", INSTALLING.parent, releases])
    INSTALLING.unlink()


def install(module: AnsibleModule, source: Path, wheels: dict[str, str], target: Path) -> None:
    """Make `target` from the verified release: venv, then contract, then manifest."""
    venv, uv = target / "venv", [module.params["uv"], "--quiet"]
    python = venv / "bin" / "python"
    where = [f"--find-links={folder}" for folder in stored(source, wheels)]
    exactly = ["--no-index", "--require-hashes", "--requirements", source / "requirements.txt"]
    run(module, [*uv, "venv", "--relocatable", "--python", "/usr/bin/python3", venv])
    run(module, [*uv, "pip", "install", "--python", python, *exactly, *where])
    reuse_bytecode(venv, target.parent.parent.glob("*/*/venv"))
    # What a wheel has for other versions of Python doesn't compile, which is no matter.
    run(module, [python, "-m", "compileall", "-qq", "-j", "0", *venv.glob("lib/*/site-packages")], lenient=True)
    if (source / CONTRACT).is_file():
        shutil.copy(source / CONTRACT, target)
    shutil.copy(source / "manifest.json", target)


def run(module: AnsibleModule, command: list, *, lenient: bool = False) -> None:
    # Calls are answered meanwhile, and come first.
    code, _, err = module.run_command(["nice", *map(str, command)], environ_update=ENVIRONMENT)
    if code and not lenient:
        raise RefusedError(err.strip() or f"`{' '.join(map(str, command))}` ended with status {code}")


def reuse_bytecode(venv: Path, others: Iterable[Path]) -> None:
    """Link what was compiled for releases on this host before, of each file that is the same one by uv's hard links.

    To compile a release takes seconds, and nearly all of it is what the release before has, too.
    """
    # The service's own before those of other services.
    others = sorted((other for other in others if other != venv), key=lambda other: other.parts[:-2] != venv.parts[:-2])
    for file in venv.glob("lib/*/site-packages/**/*.py"):
        for twin in (other / file.relative_to(venv) for other in others):
            try:
                if twin.samefile(file):
                    bytecode(file).parent.mkdir(exist_ok=True)
                    bytecode(file).hardlink_to(bytecode(twin))
                    break
            except FileNotFoundError:
                continue


def bytecode(file: Path) -> Path:
    """Where Python looks for what was compiled of the file (PEP 3147)."""
    return file.parent / "__pycache__" / f"{file.stem}.{sys.implementation.cache_tag}.pyc"


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "archive": {"type": "path", "required": True},
            "manifest_sha256": {"type": "str", "required": True},
            "destination": {"type": "path", "required": True},
            "uv": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    archive, destination = Path(module.params["archive"]), Path(module.params["destination"])
    there = (destination / "manifest.json").exists()
    if module.check_mode:
        module.exit_json(changed=not there)
    # One that a run left when it was killed may hold other files.
    source, unfinished = archive.with_suffix(""), destination.with_name(f"{destination.name}.unfinished")
    remains = (source, unfinished)
    try:
        for folder in remains:
            shutil.rmtree(folder, ignore_errors=True)
        if not there:
            with tarfile.open(archive, "r:") as packed:
                packed.extractall(source, filter="data")
            wheels = verify(source, module.params["manifest_sha256"])
            with lasting(module, destination.parent):
                install(module, source, wheels, unfinished)
            shutil.rmtree(destination, ignore_errors=True)
            unfinished.rename(destination)
            clear_store(module, destination.parent.parent)
    except (RefusedError, OSError, tarfile.TarError) as error:
        release = f"{destination.parent.name} {destination.name}"
        module.fail_json(msg=f"{release} is refused on this host, nothing was changed: {error}.")
    finally:
        for folder in remains:
            shutil.rmtree(folder, ignore_errors=True)
        archive.unlink(missing_ok=True)
    module.exit_json(changed=not there)


if __name__ == "__main__":
    main()
