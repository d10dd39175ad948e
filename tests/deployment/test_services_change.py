"""What runs changes: a new release, another configuration, a service that comes and goes; under load, and back again.

Some of it on hosts that are not as they should be.
"""

import json
import shutil
import subprocess
import sys

import pytest
import yaml

from fleet.paths import ROOT
from tests.load import Load

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def catalogue():
    """The catalogue as it is in the repository."""
    return yaml.safe_load((ROOT / "inventory/group_vars/all/services.yml").read_text())["services"]


def build(source, service, release, *changes):
    """Build a release of a service from greeting's source with some texts replaced; the folder of the release."""
    shutil.copytree(ROOT / "services/greeting", source, dirs_exist_ok=True)
    for path, old, new in changes:
        text = (source / path).read_text()
        assert old in text
        (source / path).write_text(text.replace(old, new))
    folder = ROOT / f"dist/releases/{service}-{release}"
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "fleet", "release", service, "--source", source], cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="module")
def second_release(tmp_path_factory):
    """Greeting 2.0.0, which says Salut; built beside the releases that are there, and gone afterwards."""
    release = build(
        tmp_path_factory.mktemp("greeting"),
        "greeting",
        "2.0.0",
        ("src/greeting/service.py", "Hello, ", "Salut, "),
        ("pyproject.toml", 'version = "1.0.0"', 'version = "2.0.0"'),
    )
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
def rolled(playbook, catalogue, second_release, farewell, base_url, spoiled, on_each, app_hosts):
    """The load while greeting went to 2.0.0, airports and gateway got another configuration, and farewell came.

    Further the load while all that went back, and farewell's programs in between.
    """
    entry, secrets = farewell
    newer = {
        **catalogue,
        "greeting": {**catalogue["greeting"], "release": second_release},
        "airports": {**catalogue["airports"], "workers": 11},
        "gateway": {**catalogue["gateway"], "workers": 51},
        "farewell": entry,
    }
    with Load(base_url) as there:
        forth = playbook("site.yml", *extra(newer), "--extra-vars", f"@{secrets}")
    between = on_each(app_hosts, "supervisorctl status | grep farewell || true")
    balancer = on_each([spoiled], "systemctl is-active haproxy || true")[spoiled]
    with Load(base_url) as back:
        home = playbook("site.yml")
    forth.check()
    home.check()
    assert balancer == "active\n"
    return there, back, between


def test_no_request_fails_while_instances_are_replaced(rolled):
    there, back, _ = rolled
    assert not there.failures
    assert not back.failures
    assert there.sent > 100


def test_old_and_new_answer_side_by_side_and_in_the_end_only_what_the_catalogue_says(rolled):
    there, back, _ = rolled
    both = {"Hello, NAME!", "Salut, NAME!"}
    assert set(there.greetings) == both
    assert set(back.greetings) == both


def test_no_acknowledged_write_is_lost(rolled):
    there, back, _ = rolled
    assert not there.lost()
    assert not back.lost()


@pytest.mark.usefixtures("rolled")
def test_the_way_back_needed_no_copying_and_leaves_one_set_of_instances(on, catalogue):
    programs = on("app1", "supervisorctl status").splitlines()
    assert len(programs) == sum(entry["instances"] for entry in catalogue.values())
    assert all("-1.0.0-" in line and "RUNNING" in line for line in programs)
    assert set(releases(on, "app1")) == {"1.0.0", "2.0.0"}


@pytest.mark.usefixtures("rolled")
def test_an_instance_whose_files_were_edited_by_hand_gave_way_to_one_as_it_should_be(on):
    assert on("app1", "grep -l 'by hand' /etc/fleet/*/*.yml || true") == ""


@pytest.mark.usefixtures("rolled")
def test_what_an_interrupted_upload_left_is_gone(on, app_hosts):
    assert on(app_hosts[-1], "ls -d /var/cache/fleet/greeting-* 2>/dev/null || true") == ""


def test_a_service_that_left_the_catalogue_ended_while_the_broker_still_knew_it(rolled, app_hosts, on, on_each):
    _, _, between = rolled
    assert all(out.split()[1] == "RUNNING" for out in between.values())
    gone = on_each(app_hosts, "ls /etc/supervisor/conf.d /var/lib/fleet/instances | grep farewell || true")
    assert set(gone.values()) == {""}
    assert "farewell" not in on("core1", "rabbitmqctl --silent list_users")
    logs = on_each(app_hosts, "cat /var/log/fleet/farewell-*.log")
    assert not [out for out in logs.values() if "ACCESS_REFUSED" in out]
