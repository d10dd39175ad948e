"""What must be right before a run touches any host; every problem with its remedy, all at once."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from fleet import catalogue, secrets
from fleet.contract import places
from fleet.contract.sequence import sequence
from fleet.errors import FleetError, suggestion
from fleet.instances import first_port
from fleet.paths import shown
from fleet.record.entries import recorded
from fleet.record.majority import newest
from fleet.record.older import older_entries
from fleet.release import built, folder_name, manifest, verify

GROUPS = ("core", "app", "edge")
PLATFORM_KEYS = ("instances", "port", "http", "redis")  # of an entry, which more than its instances depends on
DISTRIBUTION, VERSION = "Debian", "13"

# Sentinel, Raft and the record of a roll compare times of different hosts; NTP keeps them within milliseconds.
CLOCK_SECONDS = 3.0

# Measured: 5.3 MiB of wheels become a release of 40 MiB on its host, with their bytecode and in whole disk blocks.
UNPACKED = 8
# Free on each host beside what is installed: logs, package lists, the upload of a release.
DISK_MB = 300
# On a core host Redis's append-only file and RabbitMQ's log are rewritten beside the old ones.
CORE_DISK_MB = 300

# Measured on the lab, rounded up: an edge host 126 MiB, a core host 221, an app host with eight instances 530.
BASE_MEMORY_MB = 100
GROUP_MEMORY_MB = {"core": 300, "app": 100, "edge": 50}
INSTANCE_MEMORY_MB = 70


def problems(facts: Mapping) -> list[dict[str, str]]:
    """Judge a fleet by what was gathered of it.

    Args:
        facts: `groups` (core, app and edge to host names), `hosts` (name to `reachable`, `address` and, of those that
            answer, the facts of module `fleet_host` with `clock_offset` in seconds, the `instances` that are there and,
            where new releases roll, how its `broker` is; see `fleet.facts`), `services` (what is to run in
            the end), `rolls` (those of them that the run was asked for), `kind` (of the run, see `fleet.rollout.wish`),
            `release` (as typed, empty without), `record_answers` (of module `fleet_record`, by core host), `secrets`,
            `vip`, `skip` (names of app hosts to leave out), `outage` (names of services whose port may change),
            `allow_incompatible` (ids of breaks that are agreed to), `allow_older` (names of services that may go back
            to what they were), `limit` (as typed, empty without) and `releases_dir`.

    Returns:
        Each problem and its remedy, as sentences under `problem` and `remedy`; empty when the run may begin.
    """
    if facts["limit"]:
        return list(_limit_problems(facts))  # most hosts were not looked at, so there is no more to say
    parts = [_group_problems(facts), _skip_problems(facts), _host_problems(facts), _address_problems(facts)]
    parts += [_vip_problems(facts), _clock_problems(facts), _broker_problems(facts)]
    if wrong := catalogue.problems(facts["services"], _ssh_ports(facts)):
        parts.append(_problem(sentence, "Correct inventory/group_vars/all/services.yml.") for sentence in wrong)
    else:
        parts += [_record_problems(facts), _move_problems(facts), _secret_problems(facts)]
        parts += [_release_problems(facts), _contract_problems(facts)]
        parts.append(_capacity_problems(facts))
    return [problem for part in parts for problem in part]


def _problem(problem: str, remedy: str) -> dict[str, str]:
    return {"problem": problem, "remedy": remedy}


def _names(names: Iterable[str]) -> str:
    return ", ".join(names)


def _groups_of(facts: Mapping, host: str) -> list[str]:
    return [group for group in GROUPS if host in facts["groups"].get(group, [])]


def _skippable(facts: Mapping) -> list[str]:
    return [host for host in facts["groups"].get("app", []) if _groups_of(facts, host) == ["app"]]


def _is_supported(host: Mapping) -> bool:
    return (host["distribution"], host["version"]) == (DISTRIBUTION, VERSION)


def _targets(facts: Mapping) -> dict[str, Mapping]:
    """The hosts of this run that answered."""
    skip = set(facts["skip"]) & set(_skippable(facts))
    return {name: host for name, host in facts["hosts"].items() if host["reachable"] and name not in skip}


def _limit_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    yield _problem(
        f"`--limit {facts['limit']}` leaves hosts out, but clusters and firewalls are decided for all at once.",
        "Type it without --limit; an app host that is down is left out with `-e skip=NAME`.",
    )


def _group_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    for group in GROUPS:
        if not facts["groups"].get(group):
            yield _problem(f"The group {group} has no host.", f"List at least one host under {group} in the inventory.")
    core = facts["groups"].get("core", [])
    if core and len(core) % 2 == 0:
        yield _problem(
            f"{len(core)} core hosts ({_names(core)}) are an even number, which survives no more than one fewer.",
            "List 1, 3 or 5 hosts under core in the inventory.",
        )
    if facts["groups"].get("app") and set(facts["groups"]["app"]) <= set(facts["skip"]):
        yield _problem("Every app host is to be skipped.", "Leave at least one out of `-e skip=`.")


def _skip_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    valid = _skippable(facts)
    for name in facts["skip"]:
        if name not in facts["hosts"]:
            yield _problem(f"There is no host {name} to skip.", f"Correct `-e skip=`: {suggestion(name, valid)}.")
        elif name not in valid:
            groups = " and ".join(group for group in _groups_of(facts, name) if group != "app") or "no app"
            yield _problem(
                f"{name} is a host of {groups}, and only pure app hosts can be skipped.",
                f"Correct `-e skip=`: {suggestion(name, valid)}.",
            )


def _host_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    skippable = _skippable(facts)
    for name, host in facts["hosts"].items():
        if not host["reachable"] and not (name in facts["skip"] and name in skippable):
            skip = f", or leave it out with `-e skip={_names([*facts['skip'], name]).replace(' ', '')}`"
            skip = skip if name in skippable else ""
            why = f" ({host['failure']})" if host.get("failure") else ""
            if host.get("answered"):
                yield _problem(
                    f"{name} can be reached, but not looked at{why}.",
                    f"It needs /usr/bin/python3 and root, by sudo without a password or with `-K`; correct that{skip}.",
                )
            else:
                yield _problem(f"{name} can't be reached{why}.", f"Type `ssh {host['address']}` to see why{skip}.")
    for name, host in _targets(facts).items():
        if not _is_supported(host):
            yield _problem(
                f"{name} runs {host['distribution']} {host['version']}.",
                f"Install {DISTRIBUTION} {VERSION} on it, the one system that the roles know.",
            )


def _address_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    users: dict[str, list[str]] = {}
    for name, host in facts["hosts"].items():
        users.setdefault(host["address"], []).append(name)
        if not _is_ipv4(host["address"]):
            yield _problem(
                f"The address of {name} in the fleet is {host['address']!r}, which is no IPv4 address.",
                f"Set ansible_host of {name} to its address, or fleet_address where SSH is to use a name.",
            )
    for address, names in users.items():
        if len(names) > 1:
            yield _problem(
                f"{_names(names)} have the same address {address}.",
                "Give each its own ansible_host; a host in several groups is listed under one name in all of them.",
            )
    for name, host in _targets(facts).items():
        if host["address"] not in host["interfaces"] and _is_ipv4(host["address"]):
            yield _problem(
                f"{name} has no interface with its address {host['address']} (it has {_names(host['interfaces'])}).",
                f"Set fleet_address of {name} to the one at which the other hosts reach it.",
            )


def _is_ipv4(address: str) -> bool:
    try:
        return bool(ipaddress.IPv4Address(address))
    except ValueError:
        return False


def _vip_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    remedy = "Set vip in the inventory to an unused address of the edge hosts' subnet."
    try:
        vip = ipaddress.ip_address(facts["vip"])
    except ValueError:
        yield _problem(f"The virtual IP {facts['vip']!r} is no address.", remedy)
        return
    owners = [name for name, host in facts["hosts"].items() if host["address"] == str(vip)]
    if owners:
        yield _problem(f"The virtual IP {vip} is the address of {_names(owners)}.", remedy)
    targets = _targets(facts)
    for name in facts["groups"].get("edge", []):
        # A single address (/32) is what keepalived adds for a virtual IP, not a subnet.
        networks = [ipaddress.ip_network(text) for text in targets.get(name, {}).get("networks", [])]
        subnets = [network for network in networks if network.num_addresses > 1 and not network.is_loopback]
        if name in targets and not any(vip in network for network in subnets):
            subnet = _names([str(network) for network in subnets]) or "none"
            yield _problem(f"The virtual IP {vip} is outside the subnet of {name} ({subnet}).", remedy)
    edges = [targets[name] for name in facts["groups"].get("edge", []) if name in targets]
    if what := next(filter(None, (_reserved(vip, host) for host in edges)), ""):
        yield _problem(f"The virtual IP {vip} is the {what}.", remedy)


def _reserved(vip: ipaddress.IPv4Address | ipaddress.IPv6Address, host: Mapping) -> str:
    """What an address is to its subnet that no host may have; empty when it is an address like others."""
    if str(vip) in host["gateways"]:
        return "gateway of the edge hosts"
    for network in map(ipaddress.ip_network, host["networks"]):
        if network.prefixlen < network.max_prefixlen - 1:  # two addresses are two hosts, RFC 3021
            if vip == network.network_address:
                return f"network address of {network}"
            if vip == network.broadcast_address:
                return f"broadcast address of {network}"
    return ""


def _clock_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    for name, host in _targets(facts).items():
        offset = host["clock_offset"]
        if abs(offset) > CLOCK_SECONDS:
            apart = f"{abs(offset):.1f} s {'ahead of' if offset > 0 else 'behind'} the controller's"
            yield _problem(
                f"The clock of {name} is {apart}, more than {CLOCK_SECONDS:.0f} s.",
                f"Type `timedatectl` on {name} and here, and make both follow a time server"
                " (`apt-get install systemd-timesyncd`).",
            )


def _broker_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    """A roll may need every node that there is: one that is down already could be the last but one."""
    for name, host in _targets(facts).items():
        broker = host.get("broker")
        if broker is None:
            continue
        down = sorted(set(broker.get("members", [])) - set(broker.get("running_nodes", [])))
        if not broker["running"]:
            yield _problem(
                f"RabbitMQ doesn't run on {name}.", f"Type `make deploy`, or `journalctl -u rabbitmq-server` on {name}."
            )
        elif down:
            yield _problem(
                f"RabbitMQ on {name} doesn't see {_names(down)} running.", "Type `make status`, then `make deploy`."
            )
        for alarm in broker.get("alarms", []):
            yield _problem(
                f"RabbitMQ on {name} raised an alarm, which blocks every publisher: {alarm}.",
                f"Free memory or disk on {name}: `df -h`, `rabbitmq-diagnostics alarms`.",
            )


def _record_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    core = facts["groups"].get("core", [])
    try:
        record = newest(facts["record_answers"], core)
    except FleetError as error:
        if all(facts["hosts"][name]["reachable"] for name in core):  # else that is said already
            yield _problem(str(error), "")
        return
    whole = catalogue.complete(facts["services"])
    rolls = {name: entry for name, entry in whole.items() if name in facts["rolls"]}
    # Who names a release knows that it is another than the fleet's.
    if facts["kind"] == "deploy" or (facts["kind"] == "rollout" and not facts["release"]):
        yield from older_entries(record, rolls, facts["allow_older"])
    if facts["kind"] in ("rollout", "rollback"):
        yield from _platform_problems(record, rolls)


def _platform_problems(record: Mapping, rolls: Mapping[str, Mapping]) -> Iterator[dict[str, str]]:
    """What balancers, firewalls and users follow, which a roll of services alone doesn't touch."""
    for name, entry in rolls.items():
        runs = recorded(record["services"][name]["entry"])
        if different := [key for key in PLATFORM_KEYS if recorded(entry)[key] != runs[key]]:
            keys = _names(f"{name}.{key}" for key in different)
            yield _problem(
                f"This changes {keys} too, which load balancers, firewalls or users follow.",
                "Put the entry that you want into the catalogue and type `make deploy`, which rolls it as well.",
            )


def _ssh_ports(facts: Mapping) -> dict[int, str]:
    ports = {name: str(host.get("ssh_port", 22)) for name, host in facts["hosts"].items()}
    return {int(port): f"SSH on {name}" for name, port in ports.items() if port.isdecimal()}


def _move_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    """An HTTP service whose port changes is out of reach of its balancers until the run's end."""
    running = [one for host in _targets(facts).values() for one in host.get("instances", [])]
    for service, entry in facts["services"].items():
        ports = {first_port(one) for one in running if one["service"] == service and one["port"]}
        moved = sorted(ports - {entry["port"]})
        if entry.get("http") and moved and service not in facts["outage"]:
            yield _problem(
                f"{service} runs on the ports from {moved[0]} on and the catalogue says {entry['port']}: the load"
                " balancers would reach no instance from the start of this run to its end.",
                f"Put {moved[0]} back; or, in an hour when clients may get 503, type it with `-e outage={service}`.",
            )


def _secret_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    remedy = (
        "`make secrets` generates the lab's; in production type"
        " `ansible-vault edit inventory/group_vars/production/secrets.yml`."
    )
    for name in secrets.missing(facts["services"], facts["secrets"]):
        yield _problem(f"The secret {name} is missing.", remedy)
    for name in secrets.unusable(facts["services"], facts["secrets"]):
        yield _problem(f"The secret {name} has something other than letters, digits, _ . ~ and -.", remedy)


def _release_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    releases = Path(facts["releases_dir"])
    there = built(releases)
    for service, entry in facts["services"].items():
        folder = releases / folder_name(service, entry["release"])
        if service not in facts["rolls"]:
            continue  # it stays as it is
        if entry["release"] not in there.get(service, []):
            versions = _names(there.get(service, [])) or "none"
            unknown = there and service not in there
            typo = f" If the name is mistyped, correct it: {suggestion(service, there)}." if unknown else ""
            yield _problem(
                f"The catalogue has {service} {entry['release']}, which is not built (built of {service}: {versions}).",
                f"Type `make release SERVICE={service}`, or name a built release in the catalogue.{typo}",
            )
        elif found := verify(folder):
            yield _problem(
                f"The release {service} {entry['release']} is damaged: {'; '.join(found)}.",
                f"Type `rm -r {shown(folder.resolve())} && make release SERVICE={service}`.",
            )
        else:
            yield from _target_problems(facts, service, manifest.read(folder))


def _target_problems(facts: Mapping, service: str, release: Mapping) -> Iterator[dict[str, str]]:
    for name, host in _targets(facts).items():
        # That a host runs the wrong system is said once, not for each service.
        is_app = "app" in _groups_of(facts, name) and _is_supported(host)
        if is_app and (host["arch"], host["python"]) != (release["platform"], release["python"]):
            yield _problem(
                f"{service} {release['release']} is built for Python {release['python']} on {release['platform']},"
                f" but {name} has Python {host['python']} on {host['arch']}.",
                f"Take {name} out of the app hosts.",
            )


def _contract_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    """Releases that can't serve beside those that run. Of one that is damaged or missing that is said elsewhere."""
    releases = Path(facts["releases_dir"])
    rolls = {name: entry for name, entry in facts["services"].items() if name in facts["rolls"]}
    new = {name: places.known(name, entry["release"], releases) for name, entry in rolls.items()}
    sound = {name: contract for name, contract in new.items() if contract}
    # A skipped host that answers serves with the others.
    running = places.running({name: host for name, host in facts["hosts"].items() if host["reachable"]}, releases)
    for one in sequence(sound, running, goes_back=facts["kind"] == "rollback")[1]:
        if one.id not in facts["allow_incompatible"]:
            allowed = ",".join([*facts["allow_incompatible"], one.id])
            yield _problem(
                one.problem, f"{one.remedy} To deploy all the same, type it with `-e allow_incompatible={allowed}`."
            )


def _disk_problems(name: str, host: Mapping, room_mb: int, releases_mb: int) -> Iterator[dict[str, str]]:
    needs = {"/opt": ("disk_free_mb", room_mb + releases_mb)}
    # Where /var is a file system of its own, work is done there, and uploads and uv's cache are copies.
    if host["var_free_mb"] is not None:
        needs = {"/opt": ("disk_free_mb", releases_mb), "/var": ("var_free_mb", room_mb + releases_mb)}
    why = "the catalogue's releases beside those that are there, and room to work" if releases_mb else "room to work"
    for path, (fact, needed) in needs.items():
        if host[fact] < needed:
            yield _problem(
                f"{name} has {host[fact]} MiB of disk left below {path} and needs {needed} ({why}).",
                f"Free {needed - host[fact]} MiB on {name}: `df -h`, `apt-get clean`, `journalctl --vacuum-size=50M`.",
            )


def _capacity_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    releases = Path(facts["releases_dir"])
    services = facts["services"].values()
    instances_mb = INSTANCE_MEMORY_MB * sum(entry["instances"] for entry in services)
    largest_mb = INSTANCE_MEMORY_MB * max((entry["instances"] for entry in services), default=0)
    folders = [releases / folder_name(service, entry["release"]) for service, entry in facts["services"].items()]
    wheels = sum(path.stat().st_size for folder in folders for path in folder.glob(f"{manifest.WHEELS}/*"))
    releases_mb = wheels * UNPACKED // 2**20
    for name, host in _targets(facts).items():
        groups = _groups_of(facts, name)
        app = "app" in groups
        room_mb = DISK_MB + CORE_DISK_MB * ("core" in groups)
        yield from _disk_problems(name, host, room_mb, releases_mb * app)
        # While a service rolls, its new instances run beside the old.
        memory = BASE_MEMORY_MB + sum(GROUP_MEMORY_MB[group] for group in groups) + (instances_mb + largest_mb) * app
        free = largest_mb * app
        if host["memory_mb"] < memory:
            yield _problem(
                f"{name} has {host['memory_mb']} MiB of memory and needs {memory}.",
                f"Give {name} more memory{', or lower instances in the catalogue' * app}.",
            )
        elif host["memory_free_mb"] < free:
            yield _problem(
                f"{name} has {host['memory_free_mb']} MiB of memory left and needs {free} for new instances.",
                f"Type `systemd-cgtop -m` on {name} to see what takes it, or lower instances in the catalogue.",
            )
