"""Where contracts are: in a release, in the wheel of one that was built before there were contracts, in a source."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from packaging.utils import canonicalize_name, parse_wheel_filename

from fleet.contract.extract import FORMAT, extract
from fleet.errors import FleetError, suggestion
from fleet.paths import shown
from fleet.release import built, folder_name, manifest
from fleet.release.source import PREFIX, read, read_service


def of_release(folder: Path) -> dict:
    """The contract of a built release.

    Raises:
        FleetError: it has none that can be read, and nothing to read one from.
    """
    path = folder / manifest.CONTRACT
    if not path.exists():
        return _of_wheel(folder)
    try:
        contract = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise FleetError(f"{shown(path)} is no JSON ({error}).") from error
    if not isinstance(contract, dict) or contract.get("format") != FORMAT:
        raise FleetError(
            f"{shown(path)} has not the format {FORMAT}, which this clone reads: bring the clone up to date."
        )
    return contract


def of_source(folder: Path) -> dict:
    """The contract that a release of a service's source would have.

    Raises:
        FleetError: the folder is no source of a service, or has no contract that can be read.
    """
    source = read_service(folder, canonicalize_name(read(folder).project).removeprefix(PREFIX))
    return extract(source.modules, source.module)


def named(text: str, releases: Path) -> dict:
    """The contract of a release by its name, such as airports-1.0.0, or of a source's folder.

    Raises:
        FleetError: there is neither of that name, or its contract can't be read.
    """
    folder, release = Path(text), releases / text
    if text and (folder / "pyproject.toml").exists():
        return of_source(folder)
    if text and (release / manifest.MANIFEST).exists():
        return of_release(release)
    valid = [folder_name(service, one) for service, versions in built(releases).items() for one in versions]
    raise FleetError(
        f"{text!r} is neither a built release nor the folder of a service's source: type `make contract"
        f" OLD=airports-1.0.0 NEW=services/airports` ({suggestion(text, valid)})."
    )


def running(hosts: Mapping[str, Mapping], releases: Path, staying: Collection[str] = ()) -> list[dict]:
    """Each release that runs on some host, in the form that the gate wants.

    Args:
        hosts: by name, those with `instances`, which have a `service` and a `release`.
        releases: the folder of built releases; the contract of a release that is not in it is None.
        staying: hosts on which what runs now goes on beside what is new, to the end.
    """
    found: dict[tuple[str, str, bool], list[str]] = {}
    for name, host in hosts.items():
        for service, release in sorted({(one["service"], one["release"]) for one in host.get("instances", [])}):
            found.setdefault((service, release, name in staying), []).append(name)
    told = []
    for (service, release, stays), names in found.items():
        contract, why = known(service, release, releases)
        one = {"service": service, "release": release, "hosts": names, "contract": contract, "why": why}
        told.append({**one, "stays": stays})
    return told


def known(service: str, release: str, releases: Path) -> tuple[dict | None, str]:
    """The contract of a release; None where nobody can tell it, with why not, a sentence."""
    folder = releases / folder_name(service, release)
    if not (folder / manifest.MANIFEST).exists():
        return None, f"{shown(folder)} is not there."
    try:
        return of_release(folder), ""
    except (FleetError, OSError) as error:
        return None, str(error)


def _of_wheel(folder: Path) -> dict:
    try:
        return _read_wheel(folder)
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        raise FleetError(f"{shown(folder)} is damaged: {error}.") from error


def _read_wheel(folder: Path) -> dict:
    described = manifest.read(folder)
    wheel = _own_wheel(described["service"], [one["file"] for one in described["wheels"]])
    if wheel is None:
        raise FleetError(f"{shown(folder)} has neither {manifest.CONTRACT} nor a wheel of {described['service']}.")
    with zipfile.ZipFile(folder / manifest.WHEELS / wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if name.endswith(".py")}
    return extract(files, described["module"])


def _own_wheel(service: str, files: Iterable[str]) -> str | None:
    names = {canonicalize_name(service), canonicalize_name(PREFIX + service)}
    return next((file for file in files if parse_wheel_filename(file)[0] in names), None)
