"""Whether each host is what the roles know, and may roll: system, addresses, clock, broker."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping

from fleet.preflight.common import DISTRIBUTION, VERSION, is_supported, listing, problem, skippable_hosts, targets_of

# Sentinel, Raft and the record of a roll compare times of different hosts; NTP keeps them within milliseconds.
CLOCK_SECONDS = 3.0


def host_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    skippable = skippable_hosts(facts)
    for name, host in facts["hosts"].items():
        if not host["reachable"] and not (name in facts["skip"] and name in skippable):
            skip = f", or leave it out with `-e skip={listing([*facts['skip'], name]).replace(' ', '')}`"
            skip = skip if name in skippable else ""
            why = f" ({host['failure']})" if host.get("failure") else ""
            if host.get("answered"):
                yield problem(
                    f"{name} can be reached, but not looked at{why}.",
                    f"It needs /usr/bin/python3 and root, by sudo without a password or with `-K`; correct that{skip}.",
                )
            else:
                yield problem(f"{name} can't be reached{why}.", f"Type `ssh {host['address']}` to see why{skip}.")
    for name, host in targets_of(facts).items():
        if not is_supported(host):
            yield problem(
                f"{name} runs {host['distribution']} {host['version']}.",
                f"Install {DISTRIBUTION} {VERSION} on it, the one system that the roles know.",
            )


def address_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    users: dict[str, list[str]] = {}
    for name, host in facts["hosts"].items():
        users.setdefault(host["address"], []).append(name)
        if not _is_ipv4(host["address"]):
            yield problem(
                f"The address of {name} in the fleet is {host['address']!r}, which is no IPv4 address.",
                f"Set ansible_host of {name} to its address, or fleet_address where SSH is to use a name.",
            )
    for address, names in users.items():
        if len(names) > 1:
            yield problem(
                f"{listing(names)} have the same address {address}.",
                "Give each its own ansible_host; a host in several groups is listed under one name in all of them.",
            )
    for name, host in targets_of(facts).items():
        if host["address"] not in host["interfaces"] and _is_ipv4(host["address"]):
            yield problem(
                f"{name} has no interface with its address {host['address']} (it has {listing(host['interfaces'])}).",
                f"Set fleet_address of {name} to the one at which the other hosts reach it.",
            )


def _is_ipv4(address: str) -> bool:
    try:
        return bool(ipaddress.IPv4Address(address))
    except ValueError:
        return False


def vip_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    remedy = "Set vip in the inventory to an unused address of the edge hosts' subnet."
    try:
        vip = ipaddress.ip_address(facts["vip"])
    except ValueError:
        yield problem(f"The virtual IP {facts['vip']!r} is no address.", remedy)
        return
    owners = [name for name, host in facts["hosts"].items() if host["address"] == str(vip)]
    if owners:
        yield problem(f"The virtual IP {vip} is the address of {listing(owners)}.", remedy)
    targets = targets_of(facts)
    for name in facts["groups"].get("edge", []):
        # A single address (/32) is what keepalived adds for a virtual IP, not a subnet.
        networks = [ipaddress.ip_network(text) for text in targets.get(name, {}).get("networks", [])]
        subnets = [network for network in networks if network.num_addresses > 1 and not network.is_loopback]
        if name in targets and not any(vip in network for network in subnets):
            subnet = listing([str(network) for network in subnets]) or "none"
            yield problem(f"The virtual IP {vip} is outside the subnet of {name} ({subnet}).", remedy)
    edges = [targets[name] for name in facts["groups"].get("edge", []) if name in targets]
    if what := next(filter(None, (_reserved(vip, host) for host in edges)), ""):
        yield problem(f"The virtual IP {vip} is the {what}.", remedy)


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


def clock_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    for name, host in targets_of(facts).items():
        offset = host["clock_offset"]
        if abs(offset) > CLOCK_SECONDS:
            apart = f"{abs(offset):.1f} s {'ahead of' if offset > 0 else 'behind'} the controller's"
            yield problem(
                f"The clock of {name} is {apart}, more than {CLOCK_SECONDS:.0f} s.",
                f"Type `timedatectl` on {name} and here, and make both follow a time server"
                " (`apt-get install systemd-timesyncd`).",
            )


def broker_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    """A roll may need every node that there is: one that is down already could be the last but one."""
    for name, host in targets_of(facts).items():
        broker = host.get("broker")
        if broker is None:
            continue
        down = sorted(set(broker.get("members", [])) - set(broker.get("running_nodes", [])))
        if not broker["running"]:
            yield problem(
                f"RabbitMQ doesn't run on {name}.", f"Type `make deploy`, or `journalctl -u rabbitmq-server` on {name}."
            )
        elif down:
            yield problem(
                f"RabbitMQ on {name} doesn't see {listing(down)} running.", "Type `make status`, then `make deploy`."
            )
        if stopped := sorted(broker.get("stopped", [])):
            yield problem(
                f"RabbitMQ on {name} has no running replica of {listing(stopped)}: what connects there gets no calls.",
                "Type `make deploy`, which starts it.",
            )
        for alarm in broker.get("alarms", []):
            yield problem(
                f"RabbitMQ on {name} raised an alarm, which blocks every publisher: {alarm}.",
                f"Free memory or disk on {name}: `df -h`, `rabbitmq-diagnostics alarms`.",
            )
