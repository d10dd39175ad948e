"""What runs changes: a new release and another configuration, under load, and back again."""

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


@pytest.fixture(scope="module")
def second_release(tmp_path_factory):
    """Greeting 2.0.0, which says Salut; built beside the releases that are there, and gone afterwards."""
    source = tmp_path_factory.mktemp("greeting")
    shutil.copytree(ROOT / "services/greeting", source, dirs_exist_ok=True)
    for path, old, new in (
        ("src/greeting/service.py", "Hello, ", "Salut, "),
        ("pyproject.toml", 'version = "1.0.0"', 'version = "2.0.0"'),
    ):
        text = (source / path).read_text()
        assert old in text
        (source / path).write_text(text.replace(old, new))
    release = ROOT / "dist/releases/greeting-2.0.0"
    shutil.rmtree(release, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "fleet", "release", "greeting", "--source", source], cwd=ROOT, check=True)
    yield "2.0.0"
    shutil.rmtree(release)


def extra(services):
    return "--extra-vars", json.dumps({"services": services})


def releases(on, host):
    return on(host, "ls /opt/fleet/greeting").split()


@pytest.fixture(scope="module")
def rolled(playbook, catalogue, second_release, base_url):
    """The load that ran while greeting went to 2.0.0, airports got another configuration, and both went back."""
    newer = {
        **catalogue,
        "greeting": {**catalogue["greeting"], "release": second_release},
        "airports": {**catalogue["airports"], "workers": 11},
    }
    with Load(base_url) as there:
        forth = playbook("site.yml", *extra(newer))
    with Load(base_url) as back:
        home = playbook("site.yml")
    forth.check()
    home.check()
    return there, back


def test_no_request_fails_while_instances_are_replaced(rolled):
    there, back = rolled
    assert not there.failures
    assert not back.failures
    assert there.sent > 100


def test_old_and_new_answer_side_by_side_and_in_the_end_only_what_the_catalogue_says(rolled):
    there, back = rolled
    both = {"Hello, NAME!", "Salut, NAME!"}
    assert set(there.greetings) == both
    assert set(back.greetings) == both


def test_no_acknowledged_write_is_lost(rolled):
    there, back = rolled
    assert not there.lost()
    assert not back.lost()


@pytest.mark.usefixtures("rolled")
def test_the_way_back_needed_no_copying_and_leaves_one_set_of_instances(on, catalogue):
    programs = on("app1", "supervisorctl status").splitlines()
    assert len(programs) == sum(entry["instances"] for entry in catalogue.values())
    assert all("-1.0.0-" in line and "RUNNING" in line for line in programs)
    assert set(releases(on, "app1")) == {"1.0.0", "2.0.0"}
