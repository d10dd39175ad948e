"""Which RabbitMQ node joins which cluster: decided from what all nodes say, never from the inventory's order alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from fleet.errors import FleetError


@dataclass(frozen=True)
class Plan:
    """What is to be done, in host names."""

    seed: str  # a member that the others join, and that answers for the cluster
    join: list[str]  # hosts that join, in this order
    forget: list[str]  # of those, the ones that the cluster still lists from before their disk was lost


def plan(states: Mapping[str, Mapping]) -> dict:
    """Decide from each host's `rabbitmq_state` (see that module) who joins whom.

    A node that lists only itself while its peers list it has lost its disk and was started all the same (role
    `rabbitmq` has peers forget it first): it is forgotten, reset and joined again. One that nobody lists is new.

    Raises:
        FleetError: a node doesn't run, or there are several clusters and joining would throw one's data away.
    """
    silent = [host for host, state in states.items() if not state["running"]]
    if silent:
        raise FleetError(
            f"RabbitMQ doesn't run on {', '.join(silent)}: see `journalctl -u rabbitmq-server` there, "
            "then deploy again."
        )
    clusters = {frozenset(state["members"]) for state in states.values() if len(state["members"]) > 1}
    if not clusters:
        clusters = {frozenset(state["members"]) for state in states.values() if state["queues"]}
    if len(clusters) > 1:
        described = "; ".join(sorted(", ".join(sorted(cluster)) for cluster in clusters))
        raise FleetError(
            f"RabbitMQ nodes form separate clusters ({described}): choose the one to keep, run "
            "`rabbitmqctl stop_app && rabbitmqctl reset && rabbitmqctl start_app` on the nodes of the others, then "
            "deploy again."
        )
    cluster = next(iter(clusters), frozenset())
    members = [host for host, state in states.items() if cluster and frozenset(state["members"]) == cluster]
    seed = members[0] if members else next(iter(states))
    joining = [host for host in states if host not in members and host != seed]
    return asdict(Plan(seed=seed, join=joining, forget=[host for host in joining if states[host]["name"] in cluster]))
