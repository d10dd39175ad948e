"""Which hosts have their turn together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.errors import FleetError
from fleet.rollout.batches import batches, canary_hosts, lease, of_services, turns
from tests.unit.rollout.records import half

HOSTS = ["app1", "app2", "app3", "app4", "app5"]


def steps(*hosts, replaces=True):
    return {host: {"replaces": replaces} for host in hosts}


def test_one_host_is_the_canary_and_the_others_follow_a_part_at_a_time():
    assert batches(steps(*HOSTS), [], "", "40%") == [["app1"], ["app2", "app3"], ["app4", "app5"]]


def test_where_nothing_gives_way_all_begin_at_once():
    assert batches(steps(*HOSTS, replaces=False), [], "", "40%") == [HOSTS]
    assert batches({}, [], "", "40%") == []


def test_a_roll_that_goes_on_begins_with_the_hosts_that_have_the_new_already():
    assert batches(steps(*HOSTS), ["app4", "app2"], "", "100%")[0] == ["app2", "app4"]


@pytest.mark.parametrize(
    ("hosts", "share", "canary"),
    [(3, "", 1), (3, "25%", 1), (3, "10%", 1), (3, "40%", 2), (10, "25%", 3), (3, "100%", 3)],
)
def test_a_canary_takes_no_more_than_its_share_but_one_host_at_least(hosts, share, canary):
    assert canary_hosts(hosts, share) == canary


@pytest.mark.parametrize("share", ["a lot", "0%", "101%", "0.25", "-5%"])
def test_what_is_no_share_is_refused_with_an_example(share):
    with pytest.raises(FleetError, match="such as 25%"):
        canary_hosts(3, share)


@given(st.sets(st.sampled_from(HOSTS)), st.sets(st.sampled_from(HOSTS)), st.integers(1, 100), st.integers(1, 100))
def test_every_host_has_exactly_one_turn(hosts, begun, share, batch):
    found = batches(steps(*sorted(hosts)), sorted(begun & hosts), f"{share}%", f"{batch}%")
    assert sorted(host for one in found for host in one) == sorted(hosts)
    assert all(found)


def test_the_hosts_that_have_the_new_are_known_by_what_runs_there():
    decision = {"direction": "forward", "changes": {"greeting": {"from": half(), "to": half("2.0.0")}}}
    there = {host: {"greeting": {"replaces": True}} for host in ("app1", "app2")}
    new = {"service": "greeting", "revision": "of-2.0.0", "state": "admitted"}
    found = {"app1": {"instances": []}, "app2": {"instances": [new]}}
    assert of_services(decision, there, found, "", "50%") == {"greeting": [["app2"], ["app1"]]}


def test_a_rollback_takes_all_hosts_at_once():
    decision = {"direction": "forward", "changes": {"greeting": {"from": half("2.0.0"), "to": half()}}}
    there = {host: {"greeting": {"replaces": True}} for host in HOSTS}
    found = {host: {"instances": []} for host in HOSTS}
    assert of_services(decision, there, found, "", "50%", "rollback") == {"greeting": [HOSTS]}


def test_services_have_their_turns_one_after_the_other():
    by_service = {"airports": [["app1"], ["app2", "app3"]], "trips": [["app1"]]}
    assert turns(["trips", "airports"], by_service) == [
        {"service": "trips", "hosts": ["app1"], "first": True},
        {"service": "airports", "hosts": ["app1"], "first": True},
        {"service": "airports", "hosts": ["app2", "app3"], "first": False},
    ]


def test_a_canary_ends_each_service_with_its_first_batch():
    by_service = {"airports": [["app1"], ["app2"]], "trips": []}
    assert turns(["airports", "trips"], by_service, True) == [{"service": "airports", "hosts": ["app1"], "first": True}]


def test_the_lock_outlives_the_longest_roll():
    decision = {"changes": {"greeting": {"from": half(), "to": half("2.0.0", call_timeout=600)}}}
    assert lease(decision, {"greeting": [["app1"], ["app2"]]}, "15") > 2 * 2 * 600
