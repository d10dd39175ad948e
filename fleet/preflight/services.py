"""Whether the services that are to run can: ports, secrets, releases, contracts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from fleet import secrets
from fleet.contract import places
from fleet.contract.sequence import sequence
from fleet.errors import suggestion
from fleet.instances import first_port
from fleet.paths import shown
from fleet.preflight.common import groups_of, is_supported, listing, problem, targets_of
from fleet.release import built, folder_name, manifest, verify


def ssh_ports(facts: Mapping) -> dict[int, str]:
    ports = {name: str(host.get("ssh_port", 22)) for name, host in facts["hosts"].items()}
    return {int(port): f"SSH on {name}" for name, port in ports.items() if port.isdecimal()}


def move_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    """An HTTP service whose port changes is out of reach of its balancers until the run's end."""
    running = [one for host in targets_of(facts).values() for one in host.get("instances", [])]
    for service, entry in facts["services"].items():
        ports = {first_port(one) for one in running if one["service"] == service and one["port"]}
        moved = sorted(ports - {entry["port"]})
        if entry.get("http") and moved and service not in facts["outage"]:
            yield problem(
                f"{service} runs on the ports from {moved[0]} on and the catalogue says {entry['port']}: the load"
                " balancers would reach no instance from the start of this run to its end.",
                f"Put {moved[0]} back; or, in an hour when clients may get 503, type it with `-e outage={service}`.",
            )


def secret_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    remedy = (
        "`make secrets` generates the lab's; in production type"
        " `ansible-vault edit inventory/group_vars/production/secrets.yml`."
    )
    for name in secrets.missing(facts["services"], facts["secrets"]):
        if not (facts["kind"] == "rollback" and _is_kept(name, facts)):
            yield problem(f"The secret {name} is missing.", remedy)
    for name in secrets.unusable(facts["services"], facts["secrets"]):
        yield problem(f"The secret {name} has something other than letters, digits, _ . ~ and -.", remedy)


def _is_kept(name: str, facts: Mapping) -> bool:
    """Whether it is a secret that hosts keep of the services that go back."""
    _, part, *path = name.split(".")
    return part == "services" and path[0] in facts["rolls"] and path[1] in facts["services"][path[0]].get("secrets", [])


def release_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    releases = Path(facts["releases_dir"])
    there = built(releases)
    for service, entry in facts["services"].items():
        folder = releases / folder_name(service, entry["release"])
        if service not in facts["rolls"]:
            continue  # it stays as it is
        if entry["release"] not in there.get(service, []):
            versions = listing(there.get(service, [])) or "none"
            unknown = there and service not in there
            typo = f" If the name is mistyped, correct it: {suggestion(service, there)}." if unknown else ""
            yield problem(
                f"The catalogue has {service} {entry['release']}, which is not built (built of {service}: {versions}).",
                f"Type `make release SERVICE={service}`, or name a built release in the catalogue.{typo}",
            )
        elif found := verify(folder):
            yield problem(
                f"The release {service} {entry['release']} is damaged: {'; '.join(found)}.",
                f"Type `rm -r {shown(folder.resolve())} && make release SERVICE={service}`.",
            )
        else:
            yield from _target_problems(facts, service, manifest.read(folder))


def _target_problems(facts: Mapping, service: str, release: Mapping) -> Iterator[dict[str, str]]:
    for name, host in targets_of(facts).items():
        # That a host runs the wrong system is said once, not for each service.
        is_app = "app" in groups_of(facts, name) and is_supported(host)
        if is_app and (host["arch"], host["python"]) != (release["platform"], release["python"]):
            yield problem(
                f"{service} {release['release']} is built for Python {release['python']} on {release['platform']},"
                f" but {name} has Python {host['python']} on {host['arch']}.",
                f"Take {name} out of the app hosts.",
            )


def contract_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    """Releases that can't serve beside those that run. Of one that is damaged or missing that is said elsewhere."""
    if facts["kind"] == "abort":
        return  # what is withdrawn served beside what stays, or served nobody
    releases = Path(facts["releases_dir"])
    rolls = {name: entry for name, entry in facts["services"].items() if name in facts["rolls"]}
    new = {name: places.known(name, entry["release"], releases) for name, entry in rolls.items()}
    sound = {name: contract for name, contract in new.items() if contract}
    # A skipped host that answers serves with the others.
    running = places.running({name: host for name, host in facts["hosts"].items() if host["reachable"]}, releases)
    for one in sequence(sound, running, goes_back=facts["kind"] == "rollback")[1]:
        if one.id not in facts["allow_incompatible"]:
            allowed = ",".join([*facts["allow_incompatible"], one.id])
            yield problem(
                one.problem, f"{one.remedy} To deploy all the same, type it with `-e allow_incompatible={allowed}`."
            )
