"""What an operator asks of a run, and the catalogue entries that this comes to."""

from __future__ import annotations

from collections.abc import Mapping

from fleet.errors import FleetError, suggestion
from fleet.record import previous

#: `deploy` is `site.yml`; the others are playbooks of their names.
KINDS = ("deploy", "rollout", "rollback", "promote", "abort")


def listed(text: object) -> list[str]:
    """The names of `-e service=airports,trips`."""
    return [part.strip() for part in str(text or "").split(",") if part.strip()]


def targets(catalogue: Mapping[str, Mapping], record: Mapping, kind: str, service: str, release: str) -> dict:
    """The entries that the run is to make true, by service; services that it leaves alone are not there.

    Args:
        catalogue: the complete catalogue of this clone.
        record: the fleet's record.
        kind: one of `KINDS`.
        service: names with commas between them, as typed; empty for `deploy`, `promote` and `abort`.
        release: one for all of them, or as many as there are names; empty for what the catalogue has.

    Raises:
        FleetError: nothing of that name, nothing to go back to, nothing unfinished.
    """
    if kind in ("promote", "abort"):
        return _unfinished(record, kind)
    if kind == "deploy":
        return dict(catalogue)
    names = listed(service)
    _check_names(names, record, kind)
    if kind == "rollback":
        return {name: previous.previous(record, name)["entry"] for name in names}
    releases = _releases(names, listed(release))
    entries = {name: catalogue.get(name) or record["services"][name]["entry"] for name in names}
    return {name: {**entry, "release": releases.get(name, entry["release"])} for name, entry in entries.items()}


def former(record: Mapping, kind: str, service: str) -> dict:
    """What a run takes services back to, by their names: `entry`, `revision` and, where it is known, `secrets_digest`.

    Args:
        record: the fleet's record.
        kind: one of `KINDS`.
        service: as for `targets`.
    """
    return {name: previous.previous(record, name) for name in listed(service)} if kind == "rollback" else {}


def _unfinished(record: Mapping, kind: str) -> dict:
    roll = record["roll"]
    if roll is None:
        raise FleetError(f"No roll is unfinished, so there is nothing to {kind}: `make status` shows what runs.")
    if kind == "promote" and roll["phase"] == "withdrawing":
        raise FleetError(f"The roll by {roll['who']} ({roll['what']}) is being withdrawn: type `make abort` to finish.")
    # Who goes back needs nothing of what the roll was to bring, which may be gone from this clone.
    side = "from" if kind == "abort" else "to"
    return {name: change[side]["entry"] for name, change in roll["services"].items() if change[side]}


def _check_names(names: list[str], record: Mapping, kind: str) -> None:
    valid = sorted(record["services"])
    if not names:
        example = valid[0] if valid else "greeting"
        raise FleetError(f"Name the service: `make {kind} SERVICE={example}` ({suggestion('', valid)}).")
    for name in names:
        if name not in valid:
            raise FleetError(
                f"{name} doesn't run on this fleet: {suggestion(name, valid)}. A new service comes with an entry in the"
                " catalogue and `make secrets releases deploy`."
            )
    if len(set(names)) < len(names):
        raise FleetError(f"A service stands twice in SERVICE={','.join(names)}: name each once.")


def _releases(names: list[str], releases: list[str]) -> dict[str, str]:
    if len(releases) == 1:
        releases = releases * len(names)
    if releases and len(releases) != len(names):
        raise FleetError(
            f"{len(releases)} releases for {len(names)} services: give RELEASE= one for all, or one for each in the"
            " order of SERVICE=."
        )
    return dict(zip(names, releases, strict=False))


def whole(catalogue: Mapping[str, Mapping], record: Mapping, kind: str, service: str, release: str) -> dict:
    """What the fleet is to run with in the end, as a catalogue: `targets`, and what the record has of the others."""
    kept = {name: one["entry"] for name, one in record["services"].items()}
    entries = {**kept, **targets(catalogue, record, kind, service, release)}
    # A complete entry says None of what it hasn't; a catalogue leaves it out.
    return {name: {key: value for key, value in entry.items() if value is not None} for name, entry in entries.items()}
