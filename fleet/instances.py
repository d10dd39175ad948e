"""What has to start and stop on one app host: the difference between the catalogue and what runs there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fleet.errors import FleetError

SLOTS = ("a", "b")
SLOT_PORTS = 10  # ports between the two slots of a service; so it may have as many instances on a host


def program_name(service: str, release: str, slot: str, number: int) -> str:
    return f"{service}-{release}-{slot}{number}"


def instance(service: str, wanted: Mapping, slot: str, number: int) -> dict:
    """One instance to start: its program, slot, number (from 1) and TCP port."""
    return {
        "program": program_name(service, wanted["release"], slot, number),
        "slot": slot,
        "number": number,
        "port": wanted["port"] + SLOTS.index(slot) * SLOT_PORTS + number - 1,
    }


def first_port(running: Mapping) -> int:
    """The `port` that the catalogue had when a running instance was started."""
    return running["port"] - SLOTS.index(running["slot"]) * SLOT_PORTS - running["number"] + 1


def _matches(running: Mapping, wanted: Mapping) -> bool:
    return all(running[key] == wanted[key] for key in ("release", "revision", "address"))


def _serves(running: Mapping) -> bool:
    return running["state"] == "admitted" and running.get("ready") == 200


def _served_by(instances: list[Mapping]) -> tuple[int, int]:
    """How much would be lost with these: those that serve count before those that are merely there."""
    return sum(map(_serves, instances)), len(instances)


def _plan_service(service: str, wanted: Mapping, running: list[Mapping]) -> dict:
    keep = [one for one in running if _matches(one, wanted)]
    others = [one for one in running if not _matches(one, wanted)]
    # One that serves must not be evicted: where the right and the wrong share a slot, all move to the other.
    if {one["slot"] for one in keep} & {one["slot"] for one in others if _serves(one)}:
        keep, others = [], running
    if keep:
        slot = max(SLOTS, key=lambda name: sum(one["slot"] == name for one in keep))
    else:
        slot = min(SLOTS, key=lambda name: _served_by([one for one in others if one["slot"] == name]))
    desired = {
        one["program"]: one for one in (instance(service, wanted, slot, n + 1) for n in range(wanted["instances"]))
    }
    # One that its host holds back was admitted, and is again as soon as the host has asked the record.
    up = {one["program"] for one in keep if one["process"] == "RUNNING" and one["state"] in ("admitted", "held")}
    return {
        # Remains of an earlier roll that stand where the new instances go.
        "evict": sorted(one["program"] for one in others if one["slot"] == slot),
        "start": [one for program, one in desired.items() if program not in up],
        "stop": sorted(
            one["program"]
            for one in running
            if one["program"] not in desired and not (one in others and one["slot"] == slot)
        ),
        "replaces": any(one["slot"] != slot for one in running),
    }


def _drained(stop: Iterable[str], running: Iterable[Mapping]) -> list[str]:
    """Those that may have anybody's calls. Of one on probation only its own proof has, which may hang for ever."""
    proving = {one["program"] for one in running if one["state"] == "probation"}
    return [program for program in stop if program not in proving]


def _must_be_staged(host: str, service: str, wanted: Mapping, staged: Mapping[str, str]) -> bool:
    release = wanted["release"]
    if release in staged and staged[release] != wanted["manifest_sha256"]:
        raise FleetError(
            f"{service} {release} on {host} is not the one in dist/releases: a release never changes, so raise the "
            f"version in services/{service}/pyproject.toml, type `make release SERVICE={service}` and put it into the "
            "catalogue."
        )
    return release not in staged


def plan(
    services: Mapping[str, Mapping],
    host: str,
    running: Iterable[Mapping],
    staged: Mapping[str, Mapping[str, str]],
) -> dict:
    """Decide for one host, service by service; services with nothing to do are left out.

    Args:
        services: name to `release`, `manifest_sha256`, `revision`, `address`, `instances`, `port`; the desired state.
        host: the host's name.
        running: instances as the module `service_instances` reports them, asked for /ready.
        staged: by service, the releases installed on the host and their manifests' SHA-256.

    Returns:
        Name to `stage` (bool), `evict` (programs that end before anything starts), `start` (instances, see
        `instance`), `stop` (programs that end once the new ones answer), `drain` (those of them that must have finished
        their calls), `replaces` (whether running instances give way to others).

    Raises:
        FleetError: a desired release is installed there with other content.
    """
    running = list(running)
    result = {}
    for service in [*services, *sorted({one["service"] for one in running} - set(services))]:
        own = [one for one in running if one["service"] == service]
        if service in services:
            step = _plan_service(service, services[service], own)
            step["stage"] = _must_be_staged(host, service, services[service], staged.get(service, {}))
        else:
            stop = sorted(one["program"] for one in own)
            step = {"stage": False, "evict": [], "start": [], "stop": stop, "replaces": True}
        step["drain"] = _drained(step["stop"], own)
        if step["stage"] or step["evict"] or step["start"] or step["stop"]:
            result[service] = step
    return result
