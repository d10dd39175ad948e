"""A release at noon: old and new side by side, no failed request, no lost write, no call done twice; and back."""

import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from fleet.paths import CATALOGUE
from tests.load import Load
from tests.rolling.watch import Takers

pytestmark = pytest.mark.lab


ALL = ["airports", "gateway", "greeting", "trips"]


@pytest.fixture(scope="module", params=[["greeting"], pytest.param(ALL, marks=pytest.mark.long)], ids=["one", "all"])
def services(request):
    """What rolls at once."""
    return request.param


@pytest.fixture(scope="module")
def forth(at_first, services, roll, second, base_url, lab, inventory, at_home, on_each, app_hosts, executions):
    """The services to 2.0.0 in one roll, under load: the Run, the Load, who took calls, what was executed."""
    del at_first  # read before the catalogue follows
    # One that was uploaded once and never served, which is no way back.
    on_each(app_hosts, "mkdir -p /opt/fleet/greeting/0.9.0")
    release = [second(service) for service in services]
    since = datetime.now(UTC).isoformat()
    with Takers(lab, inventory, "greeting") as takers, Load(base_url) as load:
        run = roll("rollout", service=",".join(services), release=",".join(release))
    admitted = on_each(app_hosts, "stat --format %.9Y /var/lib/fleet/instances/greeting-2.0.0-*.state")
    yield run, load, takers, executions(since), admitted
    at_home()


def test_no_request_fails_and_no_acknowledged_write_is_lost(forth):
    run, load, *_ = forth
    run.check()
    assert load.sent > 100
    assert not load.failures
    assert not load.lost()


def test_both_releases_answer_side_by_side(forth):
    _, load, *_ = forth
    assert set(load.greetings) == {"Hello, NAME!", "Salut, NAME!"}


def test_no_answer_of_the_new_comes_before_it_is_admitted(forth):
    _, load, _, _, admitted = forth
    earliest = min(float(line) for out in admitted.values() for line in out.split())
    assert load.first_seen["Salut, NAME!"] >= earliest


def test_capacity_is_never_below_what_it_was(forth, inventory):
    _, _, takers, *_ = forth
    instances = inventory.variable("services", "app")["greeting"]["instances"]
    assert all(fewest >= instances for fewest in takers.fewest.values()), takers.fewest


def test_no_call_is_done_twice(forth):
    *_, done, _ = forth
    calls = Counter((method, call_id) for method, call_id, _, _ in done)
    assert len(calls) > 100
    assert not [call for call, times in calls.items() if times > 1]


def test_callees_come_first_and_the_new_alone_run_in_the_end(forth, services, running):
    run, *_ = forth
    turns = [run.output.index(f"{service}, batch 1 on ") for service in services if service != "gateway"]
    if "gateway" in services:
        assert run.output.index("gateway, batch 1 on ") > max(turns)
    for service in services:
        assert all("-2.0.0-" in program for there in running(service).values() for program in there)


@pytest.mark.usefixtures("forth")
def test_the_release_before_is_kept_on_the_hosts_and_one_that_is_no_way_back_is_not(on_each, app_hosts):
    found = on_each(app_hosts, "ls /opt/fleet/greeting")
    assert {tuple(out.split()) for out in found.values()} == {("1.0.0", "2.0.0")}


@pytest.mark.usefixtures("forth")
def test_the_catalogue_in_this_clone_says_what_runs_and_one_of_before_is_refused(services, playbook, at_first):
    assert CATALOGUE.read_text().count("release: 2.0.0") == len(services)
    run = playbook("site.yml", "--extra-vars", json.dumps({"services": at_first, "allow_older": ""}))
    assert run.status != 0, run.output[-3000:]
    assert "this clone is older than the fleet" in run.text


@pytest.fixture(scope="module")
def back(forth, services, roll, base_url):
    """The rollback of both, under load: the Run and the Load."""
    del forth
    with Load(base_url) as load:
        run = roll("rollback", service=",".join(services))
    return run, load


def test_a_rollback_names_no_release_and_fails_no_request(back, running):
    run, load = back
    run.check()
    assert not load.failures
    assert not load.lost()
    assert set(load.greetings) == {"Hello, NAME!", "Salut, NAME!"}
    assert all("-1.0.0-" in program for there in running("greeting").values() for program in there)
