"""Who may reach what on each host: the one table behind every host's firewall."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fleet.translate import service_ports

EPMD, ERLANG, REDIS, SENTINEL = "4369", "25672", "6379", "26379"
# Where rabbitmqctl itself listens: other nodes answer it there, and without them `list_queues` hangs for a minute
# (https://www.rabbitmq.com/docs/networking#ports).
RABBITMQCTL = "35672-35682"
RECORD = "8405"  # where a core host tells app hosts of the fleet's record


def rules(
    member_of: Iterable[str],
    nodes: Mapping[str, Mapping[str, str]],
    services: Mapping[str, Mapping],
    client_sources: Iterable[str],
) -> list[dict]:
    """The rules of one host, but for AMQP's, which the role rabbitmq opens once the node is in its cluster.

    Args:
        member_of: Groups of the host; several on a host that is several things at once.
        nodes: For `core`, `app` and `edge`, host name to address.
        services: The catalogue.
        client_sources: Networks of the HTTP clients.

    Returns:
        Dictionaries with `ports` (or `protocol`) and `sources`, as the role base takes them.
    """
    core, app, edge = (list(nodes[group].values()) for group in ("core", "app", "edge"))
    by_group = {
        "core": [
            {"ports": [EPMD, ERLANG, RABBITMQCTL, SENTINEL], "sources": core},
            {"ports": [REDIS], "sources": core + app},
            {"ports": [RECORD], "sources": app},
        ],
        "app": [{"ports": service_ports(services), "sources": edge}],
        "edge": [
            {"protocol": "vrrp", "sources": edge},
            {
                "ports": [str(entry["http"]["port"]) for entry in services.values() if entry.get("http")],
                "sources": list(client_sources),
            },
        ],
    }
    found = [rule for group in by_group if group in member_of for rule in by_group[group]]
    return [rule for rule in found if rule.get("protocol") or rule["ports"]]
