"""The form in which pre-flight and status want what the plays have gathered."""

from __future__ import annotations

from collections.abc import Mapping

from fleet.errors import FleetError
from fleet.record.document import empty
from fleet.record.lock import judge
from fleet.record.majority import Answers, answers, newest, why_unreadable


def clock_offset(epoch: float, began: float, ended: float) -> float:
    """Seconds that a host's clock is apart from the controller's.

    The host looked at its clock at some moment between `began` and `ended`: only what lies outside counts.
    """
    return min(epoch - began, 0.0) + max(epoch - ended, 0.0)


def preflight_hosts(names: list[str], hostvars: Mapping[str, Mapping], now: float) -> dict[str, dict]:
    """What the probes of `preflight.yml` said of each host, by name.

    `reachable` is false for those that could not be looked at; they have a `failure`, and `answered` where the host was
    reached all the same.
    """
    hosts = {}
    for name in names:
        variables = hostvars[name]
        found, clock = (variables.get(f"__fleet_{probe}", {}) for probe in ("host", "clock"))
        running = variables.get("__fleet_running", {"skipped": True})  # app hosts alone are asked
        known = {"address": variables.get("fleet_address", ""), "ssh_port": variables.get("ssh_port", 22)}
        answers = [(found, "host"), (running, "instances"), (clock, "host")]
        # What was skipped was not meant for this host.
        failed = next((one for one, answer in answers if answer not in one and not one.get("skipped")), None)
        if failed is None:
            # By the second look: the first may have waited for its connection, or for another host's.
            offset = clock_offset(clock["host"]["epoch"], float(clock["host"]["asked"]), now)
            broker = variables.get("__fleet_broker", {}).get("state")
            known |= {
                **found["host"],
                "clock_offset": offset,
                "instances": running.get("instances", []),
                "broker": broker,
            }
        elif failed:
            known |= {"failure": _reason(failed), "answered": not failed.get("unreachable")}
        hosts[name] = {**known, "reachable": failed is None}
    return hosts


def _reason(failed: Mapping) -> str:
    """Why a module could not run, on one line and at no great length."""
    said = [" ".join(str(failed.get(key, "")).split()) for key in ("msg", "module_stderr", "module_stdout")]
    return " ".join(filter(None, said))[:300] or "it says nothing"


def readable_record(asked: Answers, core: list[str]) -> dict:
    """The fleet's record, an empty one where it can't be read: pre-flight says why, with all the rest."""
    return empty() if why_unreadable(asked, core) else newest(asked, core)


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
                {
                    "running_nodes": broker["running_nodes"],
                    "nodes": broker["members"],
                    "alarms": broker["alarms"],
                    "stopped": broker["stopped"],
                }
                if broker.get("running")
                else None
            ),
            "instances": variables.get("__running", {}).get("instances", []),
            **{key: status.get(key) for key in ("redis", "sentinel", "vip")},
            "units": status.get("units", {}),
        }
    any_host = hostvars[members[0]]
    asked = answers(groups["core"], hostvars, "__fleet_record_answer")
    return {
        "hosts": hosts,
        "vip": any_host["vip"],
        "services": any_host["services"],
        "record": readable_record(asked, groups["core"]),
        "record_unreadable": why_unreadable(asked, groups["core"]),
        "lock": _lock(asked, groups["core"]),
    }


def _lock(asked: Answers, core: list[str]) -> dict | None:
    """What there is to say of the fleet's lock; None where too few core hosts answer."""
    try:
        return judge(asked, core)
    except FleetError:
        return None
