"""In which order the services of a roll have their turns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fleet.contract import places
from fleet.contract.sequence import sequence


def order(entries: Mapping[str, Mapping], hosts: Mapping[str, Mapping], releases_dir: str, kind: str) -> list[str]:
    """The services by name: as their contracts demand it, and where they don't, as in the catalogue.

    Args:
        entries: the services and their entries.
        hosts: by name, those with the `instances` that run there.
        releases_dir: the folder of built releases.
        kind: of the run, see `fleet.rollout.wish`.
    """
    releases = Path(releases_dir)
    known = {name: places.known(name, entry["release"], releases) for name, entry in entries.items()}
    contracts = {name: one for name, one in known.items() if one}
    ordered, _ = sequence(contracts, places.running(hosts, releases), goes_back=kind == "rollback")
    return [*ordered, *(name for name in entries if name not in ordered)]
