"""Who may reach what on each host."""

from fleet.firewall import rules

NODES = {"core": {"c1": "10.0.0.1"}, "app": {"a1": "10.0.0.2"}, "edge": {"e1": "10.0.0.3", "e2": "10.0.0.4"}}
SERVICES = {"gateway": {"port": 8100, "http": {"port": 8000}}, "trips": {"port": 8160, "http": None}}


def reachable(groups, services=SERVICES):
    return {
        (port, source)
        for rule in rules(groups, NODES, services, ["192.0.2.0/24"])
        for port in rule.get("ports", [rule.get("protocol")])
        for source in rule["sources"]
    }


def test_redis_is_for_app_hosts_and_sentinels_for_core_hosts_alone():
    core = reachable(["core"])
    assert ("6379", "10.0.0.2") in core
    assert ("26379", "10.0.0.2") not in core
    assert not any(source in ("10.0.0.3", "192.0.2.0/24") for _, source in core)


def test_the_record_is_for_app_hosts_alone():
    assert {source for port, source in reachable(["core", "app", "edge"]) if port == "8405"} == {"10.0.0.2"}


def test_amqp_is_not_open_before_the_node_is_in_its_cluster():
    assert not any(port == "5672" for port, _ in reachable(["core", "app", "edge"]))


def test_instances_are_for_the_edge_alone():
    assert reachable(["app"]) == {
        (ports, source) for ports in ("8100-8119", "8160-8179") for source in ("10.0.0.3", "10.0.0.4")
    }


def test_clients_reach_what_is_published_and_nothing_else():
    assert {port for port, source in reachable(["core", "app", "edge"]) if source == "192.0.2.0/24"} == {"8000"}


def test_a_fleet_that_publishes_nothing_opens_nothing_to_clients():
    assert not any(source == "192.0.2.0/24" for _, source in reachable(["edge"], {}))


def test_a_host_that_is_everything_has_every_rule():
    assert reachable(["core", "app", "edge"]) == reachable(["core"]) | reachable(["app"]) | reachable(["edge"])
