"""Which hosts have their turn together."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from fleet.errors import FleetError


def percentage(text: object, name: str) -> float:
    """`25%` as 0.25.

    Raises:
        FleetError: it is no percentage from 1% to 100%.
    """
    found = re.fullmatch(r"(\d{1,3})\s*%", str(text).strip())
    if not found or not 1 <= int(found[1]) <= 100:
        raise FleetError(f"{name} is {text!r}: give a percentage from 1% to 100%, such as 25%.")
    return int(found[1]) / 100


def canary_hosts(hosts: int, share: object) -> int:
    """How many hosts the canary is: the most whose new instances are no more than `share` of all, one at least.

    While old and new run side by side, `k` of `n` hosts have both: so `k / (n + k)` of the calls go to the new.
    """
    if not share:
        return 1
    wanted = percentage(share, "CANARY")
    return max([k for k in range(1, hosts + 1) if k / (hosts + k) <= wanted + 1e-9], default=1)


def batches(steps: Mapping[str, Mapping], begun: list[str], share: object, batch: object) -> list[list[str]]:
    """The hosts of one service's roll in their order: the canary, then the others a part at a time.

    Args:
        steps: host to what is to be done there (`fleet.instances.plan`), for hosts where there is something.
        begun: hosts on which new instances serve already, of a roll that goes on: they are the canary.
        share: of all calls that the canary takes at most, such as `25%`; empty for one host.
        batch: of all hosts that have their turn at the same time after the canary, such as `50%`.
    """
    hosts = sorted(steps, key=lambda host: host not in begun)
    if not any(step["replaces"] for step in steps.values()):
        return [hosts] if hosts else []  # nothing that serves gives way: there is nothing to be careful of
    first = max(canary_hosts(len(hosts), share), sum(host in begun for host in hosts))
    size = math.ceil(len(hosts) * percentage(batch, "rollout_batch"))
    rest = hosts[first:]
    return [hosts[:first], *(rest[at : at + size] for at in range(0, len(rest), size))]


def of_services(
    decision: Mapping,
    steps: Mapping[str, Mapping],
    found: Mapping[str, Mapping],
    share: object,
    batch: object,
    kind: str = "rollout",
) -> dict:
    """The batches of each service that rolls forward.

    A rollback is in a hurry, and leads to what has served here before: all hosts have their turn at once.

    Args:
        decision: see `fleet.rollout.decide`.
        steps: host to what is to be done there, by service.
        found: host to its `instances`, as the module `service_instances` reports them.
        share: as for `batches`.
        batch: as for `batches`.
        kind: one of `fleet.rollout.wish.KINDS`.
    """
    if decision["direction"] != "forward":
        return {}
    if kind == "rollback":
        share = batch = "100%"
    return {
        service: batches(_of(service, steps), _begun(service, change["to"], found), share, batch)
        for service, change in decision["changes"].items()
    }


def turns(services: list[str], by_service: Mapping[str, list[list[str]]], canary: bool = False) -> list[dict]:
    """The batches of all services one after the other: `service`, `hosts`, `first` (whether it is the service's first).

    With `canary` only the first batch of each service has its turn.
    """
    return [
        {"service": service, "hosts": hosts, "first": index == 0}
        for service in services
        for index, hosts in enumerate(by_service[service][: 1 if canary else None])
    ]


def _of(service: str, steps: Mapping[str, Mapping]) -> dict[str, Mapping]:
    return {host: there[service] for host, there in steps.items() if service in there}


def _begun(service: str, to: Mapping | None, found: Mapping[str, Mapping]) -> list[str]:
    """Where new instances take calls already."""
    new = (service, to and to["revision"], "admitted")
    return [
        host
        for host, there in found.items()
        if any((one["service"], one["revision"], one["state"]) == new for one in there["instances"])
    ]


def lease(decision: Mapping, by_service: Mapping[str, list], bake: object) -> int:
    """Seconds that a roll takes at the very most, after which its lock is nobody's."""
    longest = max((_call_timeout(change) for change in decision["changes"].values()), default=0)
    # For each batch, forth and back: uploads, a proof, a drain that waits for the longest call.
    batches = sum(map(len, by_service.values())) + len(decision["changes"]) + 1
    return 300 + batches * (180 + 2 * longest + int(bake))


def _call_timeout(change: Mapping) -> int:
    return max(one["entry"]["call_timeout"] for one in change.values() if one)
