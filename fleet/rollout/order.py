"""In which order the services of a roll have their turns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from fleet.contract import places
from fleet.contract.callers import unknowns
from fleet.contract.sequence import sequence


def order(
    entries: Mapping[str, Mapping],
    hosts: Mapping[str, Mapping],
    releases_dir: str,
    kind: str,
    staying: Collection[str] = (),
) -> list[str]:
    """The services by name: as their contracts demand it, and where they don't, as in the catalogue.

    Args:
        entries: the services and their entries.
        hosts: by name, those with the `instances` that run there.
        releases_dir: the folder of built releases.
        kind: of the run, see `fleet.rollout.wish`.
        staying: hosts on which what runs now goes on to the end.
    """
    releases = Path(releases_dir)
    known = _contracts(entries, releases)
    ordered, _ = sequence(known, places.running(hosts, releases, staying), goes_back=kind == "rollback")
    return [*ordered, *(name for name in entries if name not in ordered)]


def not_compared(entries: Mapping[str, Mapping], releases_dir: str) -> list[str]:
    """What the gate can't know of the releases of these entries, in sentences."""
    contracts = _contracts(entries, Path(releases_dir))
    return [f"{name}: {one}" for name, contract in contracts.items() for one in unknowns(contract)]


def _contracts(entries: Mapping[str, Mapping], releases: Path) -> dict[str, dict]:
    known = {name: places.known(name, entry["release"], releases)[0] for name, entry in entries.items()}
    return {name: contract for name, contract in known.items() if contract}
