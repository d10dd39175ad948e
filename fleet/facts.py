"""The form in which pre-flight and status want what the plays have gathered."""

from __future__ import annotations

from collections.abc import Mapping


def clock_offset(epoch: float, began: float, ended: float) -> float:
    """Seconds that a host's clock is apart from the controller's.

    The host looked at its clock at some moment between `began` and `ended`: only what lies outside counts.
    """
    return min(epoch - began, 0.0) + max(epoch - ended, 0.0)


def preflight_hosts(names: list[str], hostvars: Mapping[str, Mapping], now: float) -> dict[str, dict]:
    """What `fleet_host` said of each host, by name; `reachable` is false for those that did not answer."""
    hosts = {}
    for name in names:
        variables = hostvars[name]
        host = variables.get("__fleet_host", {}).get("host")
        hosts[name] = {"reachable": host is not None, "address": variables.get("fleet_address", "")}
        if host:
            offset = clock_offset(host["epoch"], float(variables["__fleet_host_asked"]), now)
            hosts[name] |= {**host, "clock_offset": offset}
    return hosts


def status_facts(groups: Mapping[str, list[str]], hostvars: Mapping[str, Mapping]) -> dict:
    """What the probes of `status.yml` said, in the form of `fleet.status`."""
    hosts = {}
    # Not the group `all`: an inventory may list hosts that are no part of the fleet.
    members = list(dict.fromkeys([*groups["core"], *groups["app"], *groups["edge"]]))
    for name in members:
        variables = hostvars[name]
        status = variables.get("__status", {})
        broker = variables.get("__rabbitmq", {}).get("state", {})
        hosts[name] = {
            "groups": [group for group in ("core", "app", "edge") if name in groups[group]],
            "reachable": "units" in status,
            "address": variables["fleet_address"],
            "rabbitmq": (
                {"running_nodes": broker["running_nodes"], "nodes": broker["members"], "alarms": broker["alarms"]}
                if broker.get("running")
                else None
            ),
            "instances": variables.get("__running", {}).get("instances", []),
            **{key: status.get(key) for key in ("redis", "sentinel", "vip")},
            "units": status.get("units", {}),
        }
    any_host = hostvars[members[0]]
    return {"hosts": hosts, "vip": any_host["vip"], "services": any_host["services"]}
