"""Rolls of services that are not like the others, and on hosts that are in trouble."""

import json
import re
from collections import Counter
from datetime import UTC, datetime

import pytest
import requests

from tests.load import Load

pytestmark = pytest.mark.lab

SERVICE, SMOKE = "src/greeting/service.py", "src/greeting/smoke.py"
ANSWER = '        return f"Hello, {checked_name(name)}!"\n'

IN_FLIGHT = """
import glob, re, urllib.request
calls = 0
for path in glob.glob("/etc/supervisor/conf.d/greeting-*.conf"):
    text = open(path).read()
    address, port = (re.search(f'FLEET_{key}="([^"]*)"', text)[1] for key in ("ADDRESS", "PORT"))
    metrics = urllib.request.urlopen(f"http://{address}:{port}/metrics", timeout=5).read().decode()
    calls += float(re.search("^nameko_rpc_requests_in_flight (.*)$", metrics, re.M)[1])
print(json.dumps(calls))
"""


def test_a_disk_that_fills_while_a_release_is_staged_changes_nothing(second, roll, base_url, pids, on):
    release = second("greeting")
    on("app3", "rm -rf /opt/fleet/greeting/2.0.0 && mount -t tmpfs -o size=100k tmpfs /var/cache/fleet")
    before = pids("greeting")
    try:
        with Load(base_url) as load:
            run = roll("rollout", service="greeting", release=release)
    finally:
        on("app3", "umount /var/cache/fleet")
    assert run.status != 0, run.output[-3000:]
    assert "app3" in run.text.partition("TASK [The end]")[2]
    assert pids("greeting") == before
    assert not load.failures


def test_calls_of_five_seconds_are_finished_and_not_done_twice(
    bad, roll, at_first, base_url, executions, running, at_home
):
    slow = f"        import eventlet\n\n        eventlet.sleep(5 * (name != 'fleet'))\n{ANSWER}"
    release = bad((SERVICE, ANSWER, slow))
    # Else the gateway sends a call again that isn't answered after three seconds.
    gateway = {**at_first["gateway"], "settings": {**at_first["gateway"].get("settings", {}), "RPC_REPEAT_AFTER": 9}}
    services = {**at_first, "gateway": gateway}
    both = {"service": "gateway,greeting", "release": f"{gateway['release']},{release}"}
    roll("rollout", **both, services=services, rollout_bake=0).check()
    since = datetime.now(UTC).isoformat()
    with Load(base_url, rate=4, writes=False) as load:
        run = roll("rollback", service="greeting", services=services)
    calls = Counter((method, call_id) for method, call_id, _, _ in executions(since))
    at_home()
    run.check()
    assert not load.failures
    assert not [call for call, times in calls.items() if times > 1]
    assert all("-1.0.0-" in program for there in running("greeting").values() for program in there)


@pytest.mark.long
def test_an_old_instance_that_is_stuck_on_a_call_stops_the_roll_which_says_so(
    bad, roll, base_url, running, states, at_home, app_hosts, python_on, await_condition
):
    stuck = f"        import eventlet\n\n        eventlet.sleep(90 * (name == 'stuck'))\n{ANSWER}"
    roll("rollout", service="greeting", release=bad((SERVICE, ANSWER, stuck)), rollout_bake=0).check()
    # Its caller gives up after the deadline, and the method goes on.
    assert requests.get(f"{base_url}/hello/stuck", timeout=30).status_code == 504
    run = roll("rollback", service="greeting")
    there, should_be = running("greeting"), states("greeting")
    await_condition(lambda: not any(python_on(app_hosts, IN_FLIGHT).values()), 90, "the call ends")
    at_home()
    assert run.status != 0, run.output[-3000:]
    told = run.text.partition("TASK [The end]")[2]
    assert re.search(r"Not finished after 20 s: greeting-3\.0\.0-\w+ on \S*hello for \d+ s \(call ", told), told
    assert all("-3.0.0-" in program for programs in there.values() for program in programs)
    assert set(should_be.values()) == {"admitted"}


def test_a_service_on_stock_nameko_without_smoke_calls_rolls(bad, roll, base_url, running, at_home):
    release = bad((SERVICE, "from chassis.rpc import rpc", "from nameko.rpc import rpc"), (SMOKE,))
    with Load(base_url, writes=False) as load:
        there = roll("rollout", service="greeting", release=release)
        between = running("greeting")
        back = roll("rollback", service="greeting")
    at_home()
    there.check()
    back.check()
    assert all("-3.0.0-" in program for programs in between.values() for program in programs)
    assert not load.failures


@pytest.fixture
def greeting_key(at_first, inventory, tmp_path):
    """`greeting_key(value)`: ansible-playbook's arguments for a greeting that has a secret, with this value."""
    services = {**at_first, "greeting": {**at_first["greeting"], "secrets": ["API_KEY"]}}
    secrets = inventory.variable("secrets", "app")
    own = secrets["services"]["greeting"]

    def arguments(value):
        all_own = {**secrets["services"], "greeting": {**own, "API_KEY": value}}
        file = tmp_path / "secrets.json"
        file.write_text(json.dumps({"services": services, "secrets": {**secrets, "services": all_own}}))
        return "--extra-vars", f"@{file}"

    return arguments


@pytest.mark.long
def test_a_changed_secret_is_rolled_and_rolled_back(greeting_key, playbook, on_each, app_hosts):
    def running_with():
        found = on_each(app_hosts, "grep -h ^API_KEY /etc/fleet/greeting/*.yml")
        return {line for out in found.values() for line in out.splitlines()}

    try:
        playbook("site.yml", *greeting_key("the old one")).check()
        playbook("site.yml", *greeting_key("the new one")).check()
        before = running_with()
        run = playbook("rollback.yml", "--extra-vars", "service=greeting", *greeting_key("the new one")).check()
        after = running_with()
        modes = on_each(app_hosts, "stat --format %a /var/lib/fleet/kept/greeting/*.yml")
    finally:
        playbook("site.yml").check()
    assert (before, after) == ({"API_KEY: the new one"}, {"API_KEY: the old one"})
    assert "of them brings the new again" in run.text
    assert {mode for out in modes.values() for mode in out.split()} == {"600"}
