"""What the plays have gathered, as pre-flight wants it."""

import pytest

from fleet.facts import preflight_hosts

NOW = 1000.0


def variables(epoch=NOW, asked=NOW - 0.5, **more):
    return {
        "fleet_address": "10.0.0.1",
        "ssh_port": 22,
        # Connections may take as long as they like, and so what was seen at first says nothing of clocks.
        "__fleet_host": {"host": {"version": "13", "epoch": NOW - 70, "asked": 0.0}},
        "__fleet_clock": {"host": {"version": "13", "epoch": epoch, "asked": asked}},
        **more,
    }


def found(**given):
    return preflight_hosts(["app1"], {"app1": variables(**given)}, NOW)["app1"]


@pytest.mark.parametrize(
    ("epoch", "offset"),
    [(NOW - 0.5, 0.0), (NOW - 0.2, 0.0), (NOW, 0.0), (NOW + 8, 8.0), (NOW - 8.5, -8.0)],
)
def test_a_clock_is_apart_by_what_lies_outside_of_the_second_look(epoch, offset):
    assert found(epoch=epoch)["clock_offset"] == pytest.approx(offset)


def test_a_host_tells_what_it_is_and_what_runs_there():
    host = found(__fleet_running={"instances": [{"service": "greeting"}]})

    assert (host["reachable"], host["version"], host["ssh_port"]) == (True, "13", 22)
    assert host["instances"] == [{"service": "greeting"}]
    assert found()["instances"] == []


@pytest.mark.parametrize(
    "unreachable",
    [
        {"__fleet_host": {"unreachable": True, "msg": "No route"}, "__fleet_clock": {"skipped": True}},
        {"__fleet_clock": {"unreachable": True, "msg": "No route"}},
    ],
)
def test_a_host_that_cannot_be_reached_says_why(unreachable):
    host = found(**unreachable)

    assert (host["reachable"], host["answered"], host["failure"]) == (False, False, "No route")


@pytest.mark.parametrize("probe", ["__fleet_host", "__fleet_running", "__fleet_clock"])
def test_a_host_that_is_reached_and_cannot_be_looked_at_says_why(probe):
    failed = {"rc": 127, "msg": "No interpreter.\n", "module_stderr": "/bin/sh: python3:\n not found\n"}

    host = found(**{"__fleet_clock": {"skipped": True}, probe: failed})

    assert (host["reachable"], host["answered"]) == (False, True)
    assert host["failure"] == "No interpreter. /bin/sh: python3: not found"


def test_a_host_of_which_nothing_is_known_is_not_reachable():
    host = preflight_hosts(["app1"], {"app1": {"fleet_address": "10.0.0.1"}}, NOW)["app1"]

    assert not host["reachable"]
    assert "failure" not in host
