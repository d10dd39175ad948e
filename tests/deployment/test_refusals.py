"""What `site.yml` refuses before it touches a host: all reasons at once, in sentences, with what to type.

On the hosts of the lab, which it only looks at.
"""

import json
import re
import shutil

import pytest
import yaml

from fleet.paths import CACHE, CHASSIS, INVENTORY, RELEASES, ROOT
from fleet.release import build

pytestmark = pytest.mark.lab

# Of an address that nobody has, as a host that is down.
GONE = {"ansible_host": "10.77.0.29"}


@pytest.fixture
def fleet(tmp_path):
    """A copy of the lab's inventory and its settings, to be spoiled."""
    return Copy(tmp_path)


class Copy:
    """Files of a fleet in a folder: spoil their content as data, then `write` and run on `inventory`."""

    def __init__(self, folder):
        shutil.copytree(INVENTORY.parent / "group_vars", folder / "group_vars")
        shutil.copy(INVENTORY, folder)
        self.inventory = folder / INVENTORY.name
        self._paths = {
            "hosts": self.inventory,
            "catalogue": folder / "group_vars" / "all" / "services.yml",
            "secrets": folder / "group_vars" / "lab" / "secrets.yml",
        }
        content = {name: yaml.safe_load(path.read_text()) for name, path in self._paths.items()}
        self.hosts, self.vars = content["hosts"], content["hosts"]["lab"]["vars"]
        self.services, self.secrets = content["catalogue"]["services"], content["secrets"]["secrets"]
        self._content = content

    def write(self):
        for name, path in self._paths.items():
            path.write_text(yaml.safe_dump(self._content[name]))


@pytest.fixture
def refusal(playbook):
    """`refusal(inventory, *arguments)`: the reasons for which site.yml doesn't begin."""

    def run(inventory, *arguments):
        run = playbook("site.yml", *arguments, inventory=inventory)
        assert run.status != 0, run.output
        assert "PLAY [Every host]" not in run.output
        assert set(run.changed.values()) == {0}
        assert "Traceback" not in run.output
        told = run.output.rpartition("    msg: |-\n")[2].partition("\n\n")[0]
        count, *reasons = (line.strip() for line in told.splitlines())
        assert count == f"{len(reasons)} reason(s) not to begin; nothing was changed."
        return reasons

    return run


def told(reasons, expected):
    """Fail unless each expected pattern is one reason, and there is no other."""
    left = [reason for reason in reasons if not any(re.search(pattern, reason) for pattern in expected)]
    missing = [pattern for pattern in expected if not any(re.search(pattern, reason) for reason in reasons)]
    assert (left, missing) == ([], [])
    assert len(reasons) == len(expected)


def test_all_that_is_wrong_with_hosts_catalogue_releases_and_secrets_is_told_at_once(fleet, refusal, tmp_path):
    releases = tmp_path / "releases"
    shutil.copytree(RELEASES, releases)
    wheel = next((releases / f"gateway-{fleet.services['gateway']['release']}" / "wheels").glob("werkzeug-*"))
    wheel.unlink()
    fleet.services["greting"] = fleet.services.pop("greeting")
    fleet.services["airports"]["release"] = "9.9.9"
    fleet.services["gateway"]["port"] = 8200
    fleet.secrets["services"]["greting"] = fleet.secrets["services"].pop("greeting")
    del fleet.secrets["redis"]["admin_password"]
    del fleet.hosts["core"]["hosts"]["core3"]
    fleet.hosts["app"]["hosts"]["app3"]["ansible_python_interpreter"] = "/nonexistent/python3"
    fleet.hosts["app"]["hosts"]["app4"] = GONE
    fleet.vars["vip"] = "10.78.0.100"
    fleet.write()
    instead = {"app1": {"clock_offset": 7.5}, "edge2": {"version": "12"}, "core1": {"disk_free_mb": 5, "memory_mb": 64}}

    reasons = refusal(
        fleet.inventory,
        *("--extra-vars", json.dumps({"preflight_instead": instead, "releases_dir": str(releases)})),
        *("--extra-vars", "skip=edge1,ap2"),
    )

    told(
        reasons,
        [
            r"2 core hosts \(core1, core2\) are an even number.*List 1, 3 or 5 hosts under core",
            r"edge1 is a host of edge, and only pure app hosts can be skipped.*valid: app1, app2, app3, app4\.$",
            r"There is no host ap2 to skip.*did you mean app2\? valid: app1, app2, app3, app4\.$",
            r"app3 can('t be reached| be reached, but not looked at) \(.+\)\. .*out with `-e skip=edge1,ap2,app3`",
            r"gateway runs on the ports from 8100 on and the catalogue says 8200.*Put 8100 back.*`-e outage=gateway`",
            r"app4 can't be reached.*`ssh 10\.77\.0\.[0-9]+`.*leave it out with `-e skip=edge1,ap2,app4`",
            r"edge2 runs Debian 12\. Install Debian 13",
            r"The virtual IP 10\.78\.0\.100 is outside the subnet of edge1 \(10\.77\.0\.0/24\).*Set vip",
            r"The virtual IP 10\.78\.0\.100 is outside the subnet of edge2 \(10\.77\.0\.0/24\).*Set vip",
            r"The clock of app1 is 7\.5 s ahead.*`timedatectl`",
            r"secrets\.redis\.admin_password is missing.*`make secrets`",
            r"The catalogue has airports 9\.9\.9, which is not built \(built of airports: 1\.0\.0\)\. Type `make",
            r"The catalogue has greting .*is mistyped, correct it: did you mean greeting\? valid: airports, gateway,",
            rf"gateway .* is damaged: wheel {re.escape(wheel.name)} is missing\. Type `rm -r .* && make release",
            r"gateway_service calls greeting_service, and the catalogue has no such service.*Put greeting into the",
            r"core1 has 5 MiB of disk left.*Free \d+ MiB on core1",
            r"core1 has 64 MiB of memory and needs \d+\. Give core1 more memory",
        ],
    )


def test_a_release_that_could_not_serve_beside_what_runs_is_told_by_name(fleet, refusal, tmp_path):
    releases, source = tmp_path / "releases", tmp_path / "greeting"
    shutil.copytree(RELEASES, releases)
    shutil.copytree(ROOT / "services/greeting", source)
    for path, old, new in (("src/greeting/service.py", "def hello", "def hi"), ("pyproject.toml", "1.0.0", "2.0.0")):
        text = (source / path).read_text()
        assert old in text
        (source / path).write_text(text.replace(old, new, 1))
    build("greeting", source, chassis=CHASSIS, releases=releases, cache=CACHE)
    fleet.services["greeting"]["release"] = "2.0.0"
    fleet.write()

    told(
        refusal(fleet.inventory, "--extra-vars", f"releases_dir={releases}"),
        [r"Beside greeting 1\.0\.0 on app1, .*: The method hello is gone\. .*=greeting_service\.hello:removed`"],
    )


def test_a_malformed_catalogue_and_an_empty_group_are_told_at_once(fleet, refusal):
    fleet.services["greeting"]["instance"] = fleet.services["greeting"].pop("instances")
    fleet.services["trips"]["workers"] = "ten"
    fleet.services["Gateway"] = fleet.services.pop("gateway")
    del fleet.hosts["edge"], fleet.hosts["lab"]["children"]["edge"]
    fleet.write()

    told(
        refusal(fleet.inventory),
        [
            r"The group edge has no host\. List at least one host under edge",
            r"greeting has the unknown key instance: did you mean instances\? valid: .*Correct inventory/",
            r"greeting lacks instances: a whole number from 1 to 10",
            r"trips\.workers must be a whole number from 1 to 1000, not 'ten'",
            r"'Gateway' can't name a service: use up to 20 lower-case letters",
        ],
    )


def test_a_catalogue_without_services_is_told_in_words(fleet, refusal):
    text = fleet.inventory.parent / "group_vars" / "all" / "services.yml"
    text.write_text("servces: {}\n")

    told(refusal(fleet.inventory), [r"services must be a mapping of names to what is to run, not None\. Correct"])


def test_the_virtual_ip_is_no_address_that_the_subnet_needs_itself(fleet, refusal):
    fleet.vars["vip"] = "10.77.0.1"
    fleet.write()

    told(refusal(fleet.inventory), [r"The virtual IP 10\.77\.0\.1 is the gateway of the edge hosts\. Set vip"])


def test_limit_is_refused_with_what_to_type_instead(refusal):
    told(refusal(INVENTORY, "--limit", "app1"), [r"`--limit app1` leaves hosts out.*left out with `-e skip=NAME`"])


def test_a_core_host_cannot_be_skipped_and_an_app_host_that_is_down_can(fleet, refusal, playbook):
    fleet.hosts["app"]["hosts"]["app4"] = GONE
    fleet.hosts["monitoring"] = {"hosts": {"monitor": GONE}}  # no part of the fleet, so nobody's affair
    fleet.write()

    told(
        refusal(fleet.inventory, "--extra-vars", "skip=app4,core2"),
        [r"core2 is a host of core, and only pure app hosts can be skipped.*valid: app1, app2, app3, app4"],
    )
    playbook("preflight.yml", "--extra-vars", "skip=app4", inventory=fleet.inventory).check()
