"""Whether the services that are to run can: ports, secrets, releases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from fleet import secrets
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
            what, how = _how_to_build(facts, service, entry["release"])
            yield problem(f"{what}, which is not built (built of {service}: {versions}).", f"{how}{typo}")
        elif found := verify(folder):
            yield problem(
                f"The release {service} {entry['release']} is damaged: {'; '.join(found)}.",
                f"Type `rm -r {shown(folder.resolve())} && make release SERVICE={service}`.",
            )
        else:
            yield from _target_problems(facts, service, manifest.read(folder))


def _how_to_build(facts: Mapping, service: str, release: str) -> tuple[str, str]:
    """Who wants a release that is not there, and how to come by it."""
    build = f"`make release SERVICE={service}"
    if facts["kind"] == "rollout" and facts["release"]:
        how = f"Name a built one, or type {build} SOURCE=` with the folder of its source."
        return f"RELEASE= names {service} {release}", how
    if facts["kind"] in ("deploy", "rollout"):
        how = f"Type {build}`, or name a built release in the catalogue."
        return f"The catalogue has {service} {release}", how
    how = (
        f"Copy dist/releases/{folder_name(service, release)} here from where it was built, or type {build} SOURCE=`"
        " with the folder of its source: the same source gives the same release."
    )
    return f"A {facts['kind']} needs {service} {release}", how


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
