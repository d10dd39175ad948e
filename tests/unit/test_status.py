"""The report of the fleet's state, and when it says that not all is well."""

import copy

import pytest

from fleet import status
from fleet.record.document import empty

NODES = ["rabbit@core1", "rabbit@core2", "rabbit@core3"]


def base(groups, address, **more):
    return {
        "groups": groups,
        "reachable": True,
        "address": address,
        "rabbitmq": None,
        "redis": None,
        "sentinel": None,
        "vip": False,
        "units": {},
        "instances": [],
        **more,
    }


def core(number):
    replica = {"role": "slave", "replicas": 0, "link": "connected"}
    return base(
        ["core"],
        f"10.77.0.1{number}",
        rabbitmq={"nodes": NODES, "running_nodes": NODES, "alarms": [], "stopped": []},
        redis={"role": "master", "replicas": 2, "link": None} if number == 1 else replica,
        sentinel={"primary": "10.77.0.11"},
        units={"rabbitmq-server": "active", "redis-server": "active"},
    )


def instance(number, **more):
    return {
        "program": f"greeting-1.0.0-a{number}",
        "service": "greeting",
        "release": "1.0.0",
        "state": "admitted",
        "ready": 200,
        **more,
    }


@pytest.fixture
def facts():
    """A fleet where all is well."""
    return {
        "hosts": {
            **{f"core{number}": core(number) for number in (1, 2, 3)},
            "app1": base(["app"], "10.77.0.21", instances=[instance(1), instance(2)], units={"supervisor": "active"}),
            "edge1": base(["edge"], "10.77.0.31", vip=True),
            "edge2": base(["edge"], "10.77.0.32"),
        },
        "vip": "10.77.0.100",
        "record": empty(),
        "record_unreadable": "",
        "lock": {"state": "free", "sentence": ""},
        "services": {"greeting": {"release": "1.0.0", "instances": 2}},
    }


def test_a_sound_fleet_fits_two_tables(facts):
    report = status.report(facts)

    assert report.ok
    assert report.lines == [
        "host   groups  address     daemons  broker       redis                  virtual IP",
        "core1  core    10.77.0.11  active   sees 3 of 3  primary, 2 replica(s)",
        "core2  core    10.77.0.12  active   sees 3 of 3  replica, connected",
        "core3  core    10.77.0.13  active   sees 3 of 3  replica, connected",
        "app1   app     10.77.0.21  active",
        "edge1  edge    10.77.0.31  active                                       holds it",
        "edge2  edge    10.77.0.32  active",
        "",
        "instance           host  release  state     ready",
        "greeting-1.0.0-a1  app1  1.0.0    admitted  yes",
        "greeting-1.0.0-a2  app1  1.0.0    admitted  yes",
        "",
        "All is well.",
    ]


def test_so_does_one_where_one_host_is_all(facts):
    node = ["rabbit@solo"]
    facts["hosts"] = {
        "solo": base(
            ["core", "app", "edge"],
            "10.77.0.51",
            rabbitmq={"nodes": node, "running_nodes": node, "alarms": [], "stopped": []},
            redis={"role": "master", "replicas": 0, "link": None},
            sentinel={"primary": "10.77.0.51"},
            vip=True,
            instances=[instance(1), instance(2)],
        )
    }

    assert status.report(facts).problems == []


MASTER = {"role": "master", "replicas": 1, "link": None}
CASES = {
    "host missing": (
        {"edge2": {"reachable": False}},
        ["edge2 can't be reached: type `ssh 10.77.0.32` to see why."],
    ),
    "daemon down": (
        {"app1": {"units": {"supervisor": "failed"}}},
        ["supervisor is failed on app1: `journalctl -u supervisor` there says why."],
    ),
    "broker silent": ({"core2": {"rabbitmq": None}}, ["RabbitMQ doesn't answer on core2."]),
    "node not seen": (
        {"core1": {"rabbitmq": {"nodes": NODES, "running_nodes": NODES[:2], "alarms": [], "stopped": []}}},
        ["RabbitMQ on core1 doesn't see rabbit@core3 running."],
    ),
    "broker of its own": (
        {"core3": {"rabbitmq": {"nodes": NODES[2:], "running_nodes": NODES[2:], "alarms": [], "stopped": []}}},
        ["RabbitMQ on core3 is in a cluster of 1 (rabbit@core3) instead of 3."],
    ),
    "alarm": (
        {"core1": {"rabbitmq": {"nodes": NODES, "running_nodes": NODES, "alarms": ["disk"], "stopped": []}}},
        ["RabbitMQ on core1 raised an alarm, which blocks every publisher: disk."],
    ),
    "replica stopped": (
        {"core2": {"rabbitmq": {"nodes": NODES, "running_nodes": NODES, "alarms": [], "stopped": ["rpc-b", "rpc-a"]}}},
        ["RabbitMQ on core2 runs no replica of rpc-a, rpc-b: consumers there get nothing. Type `make deploy`."],
    ),
    "redis silent": (
        {"core3": {"redis": None}, "core1": {"redis": MASTER}},
        ["Redis doesn't answer on core3.", "The Redis primary core1 has 1 replica(s) instead of 2."],
    ),
    "two primaries": (
        {"core2": {"redis": MASTER}},
        ["Redis has 2 primaries (core1, core2) instead of one."],
    ),
    "no primary": (
        {"core1": {"redis": {"role": "slave", "replicas": 0, "link": "connect"}}},
        [
            "Redis has 0 primaries (none) instead of one.",
            "The Redis replica on core1 has lost its primary (link: connect).",
        ],
    ),
    "sentinel silent": ({"core2": {"sentinel": None}}, ["Sentinel doesn't answer on core2."]),
    "sentinels disagree": (
        {"core2": {"sentinel": {"primary": "10.77.0.12"}}},
        [
            "The Sentinels disagree about the primary: core1 says 10.77.0.11, core2 says 10.77.0.12, core3 says",
            "The Redis primary is 10.77.0.11, but the Sentinels name 10.77.0.11, 10.77.0.12.",
        ],
    ),
    "nobody holds the virtual IP": (
        {"edge1": {"vip": False}},
        ["The virtual IP 10.77.0.100 has 0 holders (none) instead of one."],
    ),
    "two hold the virtual IP": (
        {"edge2": {"vip": True}},
        ["The virtual IP 10.77.0.100 has 2 holders (edge1, edge2) instead of one."],
    ),
    "instance not ready": (
        {"app1": {"instances": [instance(1), instance(2, ready=0)]}},
        ["app1 has 1 ready instance(s) of greeting 1.0.0 instead of 2: `supervisorctl status` there and /var/log"],
    ),
    "instance in probation": (
        {"app1": {"instances": [instance(1), instance(2, state="probation")]}},
        ["app1 has 1 ready instance(s) of greeting 1.0.0 instead of 2"],
    ),
    "instance held back": (
        {"app1": {"instances": [instance(1), instance(2, state="held")]}},
        ["app1 has 1 ready instance(s) of greeting 1.0.0 instead of 2 (held back): `journalctl -u fleet-watch` there"],
    ),
    "no instance": ({"app1": {"instances": []}}, ["app1 has 0 ready instance(s) of greeting 1.0.0 instead of 2"]),
    "old release left": (
        {"app1": {"instances": [instance(1), instance(2), instance(3, release="0.9.0", program="greeting-0.9.0-b1")]}},
        ["app1 runs greeting-0.9.0-b1, and the fleet should run 1.0.0: type `make deploy`."],
    ),
    "service left": (
        {"app1": {"instances": [instance(1), instance(2), instance(1, service="old", program="old-1.0.0-a1")]}},
        ["app1 runs old-1.0.0-a1, but the catalogue has no old: type `make deploy`."],
    ),
}


@pytest.mark.parametrize(("changes", "said"), CASES.values(), ids=CASES)
def test_what_is_wrong_is_told_in_a_sentence(facts, changes, said):
    for host, values in copy.deepcopy(changes).items():
        facts["hosts"][host] |= values

    report = status.report(facts)

    assert not report.ok
    assert len(report.problems) == len(said)
    for sentence, start in zip(report.problems, said, strict=True):
        assert sentence.startswith(start)
        assert f"- {sentence}" in report.lines


def test_an_unreachable_host_stands_in_the_table_and_hides_nothing_else(facts):
    facts["hosts"]["core1"] = {
        "groups": ["core"], "reachable": False, "address": "10.77.0.11", "rabbitmq": None, "redis": None,
        "sentinel": None, "vip": None, "units": {}, "instances": [],
    }  # fmt: skip
    facts["hosts"]["core2"]["redis"] = {"role": "master", "replicas": 1, "link": None}
    for host in ("core2", "core3"):
        facts["hosts"][host]["sentinel"] = {"primary": "10.77.0.12"}
        facts["hosts"][host]["rabbitmq"]["running_nodes"] = NODES[1:]

    report = status.report(facts)

    assert "core1  core    10.77.0.11  unreachable" in report.lines
    assert report.problems == [
        "core1 can't be reached: type `ssh 10.77.0.11` to see why.",
        "RabbitMQ on core2 doesn't see rabbit@core1 running.",
        "RabbitMQ on core3 doesn't see rabbit@core1 running.",
        "The Redis primary core2 has 1 replica(s) instead of 2.",
    ]


def test_an_instance_that_is_not_ready_is_shown_with_what_it_answered(facts):
    facts["hosts"]["app1"]["instances"] = [instance(1, ready=503, state="probation"), instance(2, ready=0)]

    lines = status.report(facts).lines

    assert "greeting-1.0.0-a1  app1  1.0.0    probation  no (503)" in lines
    assert "greeting-1.0.0-a2  app1  1.0.0    admitted   no (no answer)" in lines


def half(release):
    return {"entry": {"release": release, "instances": 2}, "revision": f"of-{release}"}


def rolling(facts, phase="rolling"):
    """Greeting on its way to 2.0.0, with both on app1."""
    facts["record"] = {
        **empty(),
        "services": {"greeting": half("1.0.0")},
        "roll": {
            "who": "ops@desk",
            "what": "greeting 1.0.0 -> 2.0.0",
            "began": 1790000000,
            "phase": phase,
            "reason": "",
            "services": {"greeting": {"from": half("1.0.0"), "to": half("2.0.0")}},
        },
    }
    new = [instance(number, program=f"greeting-2.0.0-b{number}", release="2.0.0") for number in (1, 2)]
    facts["hosts"]["app1"]["instances"] += new
    return facts


def test_old_and_new_of_a_roll_that_is_under_way_are_as_they_should_be(facts):
    facts = rolling(facts)
    facts["lock"] = {"state": "live", "sentence": "ops@desk has been changing the fleet."}
    report = status.report(facts)
    assert report.ok, report.problems
    assert any("Unfinished roll: " in line and "rolling" in line for line in report.lines)
    assert any("ops@desk has been changing the fleet" in line for line in report.lines)


def test_a_canary_is_no_problem_and_an_interrupted_roll_is_one(facts):
    assert status.report(rolling(copy.deepcopy(facts), "canary")).ok
    (problem,) = status.report(rolling(facts)).problems
    assert "was interrupted" in problem
    assert "`make abort`" in problem


def test_the_record_says_what_should_run_and_a_catalogue_that_differs_is_named(facts):
    facts["record"] = {**empty(), "services": {"greeting": half("2.0.0")}}
    for one in facts["hosts"]["app1"]["instances"]:
        one["release"] = "2.0.0"
    (problem,) = status.report(facts).problems
    assert "catalogue says greeting 1.0.0, and the fleet runs 2.0.0" in problem


def test_that_the_record_can_not_be_read_is_a_problem(facts):
    facts["record_unreadable"] = "Too few core hosts can read the fleet's record."
    assert "Too few core hosts can read the fleet's record." in status.report(facts).problems
