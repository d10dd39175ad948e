"""Who joins whom, decided from what each RabbitMQ node says."""

import pytest

from fleet.cluster import plan
from fleet.errors import FleetError


def node(name, members=None, queues=0, running=True):
    return {
        "running": running,
        "name": f"rabbit@{name}",
        "members": [f"rabbit@{member}" for member in members or [name]],
        "queues": queues,
    }


def test_new_hosts_join_the_first_one():
    states = {name: node(name) for name in ("core1", "core2", "core3")}
    assert plan(states) == {"seed": "core1", "join": ["core2", "core3"], "forget": []}


def test_a_complete_cluster_needs_nothing():
    states = {name: node(name, ["core1", "core2", "core3"], queues=4) for name in ("core1", "core2", "core3")}
    assert plan(states) == {"seed": "core1", "join": [], "forget": []}


@pytest.mark.parametrize("wiped", ["core1", "core2", "core3"])
def test_a_wiped_host_is_forgotten_and_joins_its_peers_wherever_it_stands_in_the_inventory(wiped):
    everyone = ["core1", "core2", "core3"]
    states = {name: node(name, everyone, queues=4) for name in everyone} | {wiped: node(wiped)}
    states = {name: states[name] for name in everyone}
    result = plan(states)
    assert result["join"] == result["forget"] == [wiped]
    assert result["seed"] != wiped


def test_an_added_host_joins_without_being_forgotten():
    pair = ["core2", "core3"]
    states = {"core1": node("core1"), "core2": node("core2", pair), "core3": node("core3", pair)}
    assert plan(states) == {"seed": "core2", "join": ["core1"], "forget": []}


def test_a_single_node_with_queues_is_the_cluster_that_others_join():
    states = {"core1": node("core1"), "core2": node("core2", queues=3), "core3": node("core3")}
    assert plan(states)["seed"] == "core2"


def test_two_nodes_with_data_of_their_own_are_refused():
    states = {"core1": node("core1", queues=3), "core2": node("core2", queues=1)}
    with pytest.raises(FleetError, match=r"separate clusters \(rabbit@core1; rabbit@core2\).*rabbitmqctl reset"):
        plan(states)


def test_a_node_that_does_not_run_is_named():
    states = {"core1": node("core1"), "core2": node("core2", running=False)}
    with pytest.raises(FleetError, match=r"doesn't run on core2"):
        plan(states)
