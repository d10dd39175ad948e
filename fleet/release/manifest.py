"""What a built release says about itself, and whether that is still so."""

from __future__ import annotations

import json
from pathlib import Path

from packaging.utils import parse_wheel_filename
from packaging.version import Version

from fleet.release.source import VERSION, Source
from fleet.release.target import ARCHITECTURE, PYTHON
from fleet.release.wheelhouse import sha256

CONTRACT = "contract.json"
MANIFEST = "manifest.json"
REQUIREMENTS = "requirements.txt"
WHEELS = "wheels"


def folder_name(service: str, release: str) -> str:
    return f"{service}-{release}"


def write(folder: Path, service: str, source: Source, source_sha256: str) -> None:
    """Describe the contract and the wheels that are in the folder."""
    wheels = [
        {"file": path.name, "sha256": sha256(path), "size": path.stat().st_size}
        for path in sorted((folder / WHEELS).iterdir())
    ]
    manifest = {
        "service": service,
        "release": source.version,
        "python": PYTHON,
        "platform": ARCHITECTURE,
        "module": source.module,
        "source_sha256": source_sha256,
        "contract_sha256": sha256(folder / CONTRACT),
        "wheels": wheels,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
    (folder / REQUIREMENTS).write_text(_requirements(manifest), "utf-8")


def read(folder: Path) -> dict:
    """The manifest of a release that exists."""
    return json.loads((folder / MANIFEST).read_text("utf-8"))


def _requirements(manifest: dict) -> str:
    lines = []
    for wheel in manifest["wheels"]:
        name, version, *_ = parse_wheel_filename(wheel["file"])
        lines.append(f"{name}=={version} --hash=sha256:{wheel['sha256']}\n")
    return "".join(lines)


def built(releases: Path) -> dict[str, list[str]]:
    """The releases that exist, by service, the oldest first. What an interrupted build left is none."""
    found: dict[str, list[str]] = {}
    for path in sorted(releases.glob(f"*/{MANIFEST}")):
        service, _, release = path.parent.name.rpartition("-")
        if service and not service.startswith(".") and VERSION.fullmatch(release):
            found.setdefault(service, []).append(release)
    return {service: sorted(versions, key=Version) for service, versions in found.items()}


def verify(folder: Path) -> list[str]:
    """What is wrong with a release, in phrases; nothing when it is as it was built."""
    try:
        manifest = read(folder)
        wheels = {wheel["file"]: wheel["sha256"] for wheel in manifest["wheels"]}
        requirements = _requirements(manifest)
    except FileNotFoundError:
        return [f"{MANIFEST} is missing"]
    except (ValueError, KeyError, TypeError):
        return [f"{MANIFEST} is corrupt"]
    problems = []
    if folder_name(manifest.get("service"), manifest.get("release")) != folder.name:
        problems.append(f"{MANIFEST} is of {manifest.get('service')} {manifest.get('release')}")
    problems += _contract_problems(folder / CONTRACT, manifest.get("contract_sha256"))
    there = {path.name: path for path in (folder / WHEELS).glob("*")}
    problems += [f"wheel {name} is missing" for name in sorted(set(wheels) - set(there))]
    problems += [f"wheel {name} is not in the manifest" for name in sorted(set(there) - set(wheels))]
    both = sorted(set(wheels) & set(there))
    problems += [f"wheel {name} is corrupt" for name in both if sha256(there[name]) != wheels[name]]
    path = folder / REQUIREMENTS
    if not path.is_file() or path.read_text("utf-8", errors="replace") != requirements:
        problems.append(f"{REQUIREMENTS} is not what the manifest says")
    return problems


def _contract_problems(path: Path, expected: str | None) -> list[str]:
    """A release that was built before there were contracts has none."""
    if not path.is_file():
        return [f"{path.name} is missing"] if expected else []
    if expected is None:
        return [f"{path.name} is not in the manifest"]
    return [] if sha256(path) == expected else [f"{path.name} is corrupt"]
