"""What runs changes with the catalogue, on hosts that are not as they should be; a service comes and goes.

What that is to the requests meanwhile is tested in tests/rolling.
"""

import json
import shutil

import pytest
import yaml

from fleet.paths import ROOT
from tests.releases import build

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def catalogue():
    """The catalogue as it is in the repository."""
    return yaml.safe_load((ROOT / "inventory/group_vars/all/services.yml").read_text())["services"]


@pytest.fixture(scope="module")
def second_release(tmp_path_factory):
    """Greeting 2.0.0, which says Salut; built beside the releases that are there, and gone afterwards."""
    changes = [(f"src/greeting/{name}.py", "Hello, ", "Salut, ") for name in ("service", "smoke")]
    release = build(tmp_path_factory.mktemp("greeting"), "greeting", "2.0.0", *changes)
    yield "2.0.0"
    shutil.rmtree(release)


@pytest.fixture(scope="module")
def farewell(tmp_path_factory, passwords):
    """A service that is not in the catalogue, greeting under another name: its entry, and a file with its password."""
    release = build(
        tmp_path_factory.mktemp("farewell"),
        "farewell",
        "1.0.0",
        ("src/greeting/service.py", '"greeting_service"', '"farewell_service"'),
        ("pyproject.toml", '"fleet-greeting"', '"fleet-farewell"'),
        source="greeting",
    )
    own = {"farewell": {"rabbitmq_password": "of-a-service-that-comes-and-goes"}}
    secrets = tmp_path_factory.mktemp("secrets") / "secrets.json"
    secrets.write_text(json.dumps({"secrets": {**passwords, "services": {**passwords["services"], **own}}}))
    yield {"release": "1.0.0", "instances": 1, "workers": 2, "port": 8300}, secrets
    shutil.rmtree(release)


def extra(services):
    return "--extra-vars", json.dumps({"services": services})


@pytest.fixture(scope="module")
def app_hosts(inventory):
    return inventory.groups["app"]


@pytest.fixture(scope="module")
def refused(playbook, catalogue, second_release, app_hosts, on_each):
    """A deployment of greeting 2.0.0 of which one host can't make anything: the run, pids before and after."""
    last = app_hosts[-1]
    in_the_way = "/opt/fleet/greeting/2.0.0.unfinished"  # a file where there has to be a folder
    on_each(app_hosts, "rm -rf /opt/fleet/greeting/2.0.0")  # of an earlier run's tests of rolls
    before = on_each(app_hosts, "supervisorctl pid all")
    on_each([last], f"touch {in_the_way}")
    run = playbook("site.yml", *extra({**catalogue, "greeting": {**catalogue["greeting"], "release": second_release}}))
    on_each([last], f"rm {in_the_way}")
    return run, before, on_each(app_hosts, "supervisorctl pid all")


def test_a_host_that_refuses_a_release_keeps_all_from_rolling(refused, app_hosts, on_each):
    run, before, after = refused
    assert run.status != 0
    assert "greeting 2.0.0 is refused on this host, nothing was changed" in run.output
    assert before == after
    assert on_each(app_hosts, "ls /opt/fleet/greeting")[app_hosts[-1]].split() == ["1.0.0"]


@pytest.mark.usefixtures("refused")
def test_a_refused_release_leaves_no_upload_behind(app_hosts, on_each):
    assert set(on_each(app_hosts, "ls -d /var/cache/fleet/greeting-* 2>/dev/null || true").values()) == {""}
    assert not list((ROOT / "dist/releases").glob(".greeting-*"))


def releases(on, host):
    return on(host, "ls /opt/fleet/greeting").split()


@pytest.fixture(scope="module")
def spoiled(refused, inventory, on_each):
    """Leftovers of an upload, an instance that was edited, and an edge host without HAProxy: its name."""
    del refused  # before this, for on hosts that are as they should be
    on_each(["app1"], "echo '# by hand' >>$(ls /etc/fleet/trips/*.yml | head -1)")
    # On the host that has the release still before it.
    upload = "/var/cache/fleet/greeting-2.0.0/wheels"
    on_each([inventory.groups["app"][-1]], f"mkdir -p {upload} && touch {upload}/left_behind-1.0-py3-none-any.whl")
    vip = inventory.variable("vip", "edge")
    shown = on_each(inventory.groups["edge"], "ip -oneline -4 address")
    idle = next(host for host, out in shown.items() if f" {vip}/" not in out)
    on_each([idle], "systemctl stop haproxy")
    return idle


@pytest.fixture(scope="module")
def rolled(playbook, catalogue, second_release, farewell, spoiled, on_each, app_hosts):
    """Greeting went to 2.0.0 and farewell came, and both went back: farewell's programs in between."""
    entry, secrets = farewell
    newer = {**catalogue, "greeting": {**catalogue["greeting"], "release": second_release}, "farewell": entry}
    playbook("site.yml", *extra(newer), "--extra-vars", f"@{secrets}").check()
    between = on_each(app_hosts, "supervisorctl status | grep farewell || true")
    balancer = on_each([spoiled], "systemctl is-active haproxy || true")[spoiled]
    playbook("site.yml").check()
    assert balancer == "active\n"
    return between


@pytest.mark.usefixtures("rolled")
def test_the_way_back_needed_no_copying_and_leaves_one_set_of_instances(on, catalogue):
    programs = on("app1", "supervisorctl status").splitlines()
    assert len(programs) == sum(entry["instances"] for entry in catalogue.values())
    assert all("-1.0.0-" in line and "RUNNING" in line for line in programs)
    assert set(releases(on, "app1")) == {"1.0.0", "2.0.0"}


@pytest.mark.usefixtures("rolled")
def test_nothing_is_compiled_a_second_time_that_the_release_before_had_too(on):
    links = "cd /opt/fleet/greeting/2.0.0/venv/lib/*/site-packages && stat --format=%h $(find {} -name '*.pyc')"
    assert "1" not in on("app1", links.format("nameko eventlet kombu")).split()
    assert set(on("app1", links.format("greeting")).split()) == {"1"}


@pytest.mark.usefixtures("rolled")
def test_an_instance_whose_files_were_edited_by_hand_gave_way_to_one_as_it_should_be(on):
    assert on("app1", "grep -l 'by hand' /etc/fleet/*/*.yml || true") == ""


@pytest.mark.usefixtures("rolled")
def test_what_an_interrupted_upload_left_is_gone(on, app_hosts):
    assert on(app_hosts[-1], "ls -d /var/cache/fleet/greeting-* 2>/dev/null || true") == ""


def test_a_service_that_left_the_catalogue_ended_while_the_broker_still_knew_it(rolled, app_hosts, on, on_each):
    assert all(out.split()[1] == "RUNNING" for out in rolled.values())
    gone = on_each(app_hosts, "ls /etc/supervisor/conf.d /var/lib/fleet/instances | grep farewell || true")
    assert set(gone.values()) == {""}
    assert "farewell" not in on("core1", "rabbitmqctl --silent list_users")
    logs = on_each(app_hosts, "cat /var/log/fleet/farewell-*.log")
    assert not [out for out in logs.values() if "ACCESS_REFUSED" in out]
