"""Every role on one host, as `inventory/single.yml` has it, deployed by a user who is not root.

All roles meet here, so this is also where check mode proves itself. The tests build on each other's host, in order.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import yaml

from fleet import inventory as inventories
from fleet import paths, url
from lab import Lab

pytestmark = pytest.mark.lab

SINGLE = paths.ROOT / "inventory" / "single.yml"
HOST = "solo"
USER = "ops"

MAKE_USER = f"""
apt-get --quiet=2 update
DEBIAN_FRONTEND=noninteractive apt-get --quiet=2 install --yes --no-install-recommends sudo
useradd --create-home {USER}
echo '{USER} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/{USER}
install -d -m 700 -o {USER} -g {USER} /home/{USER}/.ssh
install -m 600 -o {USER} -g {USER} ~/.ssh/authorized_keys /home/{USER}/.ssh/
"""

# What somebody may do to a host by hand, by the task that has to notice.
DRIFT = {
    "The tick time is in force on the running node": "rabbitmqctl eval 'net_kernel:set_net_ticktime(60, 0).'",
    "Users and permissions are those of the document": "rabbitmqctl set_user_tags greeting administrator",
    "Its users are those of the file": "redis acl deluser trips",
    "Its settings are the desired ones": "redis config set appendfsync everysec",
    "Sentinel runs": "systemctl disable redis-sentinel",
    "Rules of rabbitmq-clients": "echo '# by hand' >>/etc/nftables.d/rabbitmq-clients.nft",
    "The way to the broker and to Redis": "echo '# by hand' >>/etc/haproxy/conf.d/local.cfg",
    "Keepalived is configured": "rm /etc/keepalived/keepalived.conf",
    "Start them": "supervisorctl stop gateway-1.0.0-a1",
}

# Files of daemons that write all the time, and of Ansible's own.
BUSY = ["/var/log/*", "/var/lib/rabbitmq/*", "/var/lib/redis/*", "*/tmp/*"]


@pytest.fixture(scope="module")
def solo():
    """The lab of the one host, empty; destroyed afterwards."""
    lab = Lab.from_inventory(SINGLE)
    lab.destroy(keep_image=True)
    lab.up()
    yield lab
    lab.destroy(keep_image=True)


@pytest.fixture(scope="module")
def shell(solo):
    """Runs a script as root on the host and returns what it prints; a failure raises."""

    def run(script):
        done = solo.exec(HOST, ["sh", "-eu"], input=script, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def deployed(shell, playbook, tmp_path_factory):
    """The host with the fleet on it, deployed through sudo; its base URL."""
    shell(MAKE_USER)
    through_sudo = tmp_path_factory.mktemp("inventory") / "sudo.yml"
    through_sudo.write_text(yaml.safe_dump({"all": {"hosts": {HOST: {"ansible_user": USER, "ansible_become": True}}}}))
    playbook("site.yml", "--inventory", through_sudo, inventory=SINGLE).check()
    return url.base_url(inventories.load(SINGLE))


@pytest.fixture(scope="module")
def trip(deployed):
    """The tutorial's four calls through the virtual IP; the trip's URL."""

    def post(path, body):
        # As `curl -d` sends it.
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = requests.post(f"{deployed}{path}", data=json.dumps(body), headers=form, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.text

    first, second = (post("/airport", {"airport": name}) for name in ("first_airport", "second_airport"))
    assert requests.get(f"{deployed}/airport/{first}", timeout=20).json() == {"airport": "first_airport"}
    made = f"{deployed}/trip/{post('/trip', {'airport_from': first, 'airport_to': second})}"
    assert requests.get(made, timeout=20).json() == {"trip": {"from": first, "to": second}}
    return made


def changed_tasks(run):
    """Names of the tasks that changed something, without their roles'."""
    found, task = set(), ""
    for line in run.output.splitlines():
        if named := re.match(r"TASK \[(?:\w+ : )?(.*)\] \**$", line):
            task = named[1]
        elif line.startswith(f"changed: [{HOST}]"):
            found.add(task)
    return found


def test_the_tutorials_calls_are_answered_through_the_virtual_ip(deployed, trip):
    assert requests.get(f"{deployed}/hello/world", timeout=20).text == "Hello, world!"
    assert re.search("/trip/[0-9a-f]{32}$", trip)


@pytest.mark.usefixtures("deployed")
def test_a_second_run_by_root_finds_what_the_user_made(playbook):
    run = playbook("site.yml", inventory=SINGLE).check()
    assert (changed_tasks(run), set(run.changed.values())) == (set(), {0})


@pytest.mark.usefixtures("deployed")
def test_a_full_disk_is_refused_before_anything_is_written_to_it(playbook, shell):
    # Enough for RabbitMQ, which blocks publishers below 200 MB.
    shell("fallocate -l $(($(df --output=avail --block-size=1 /opt | tail -1) - 400 * 1024 * 1024)) /full")
    try:
        run = playbook("site.yml", inventory=SINGLE)
    finally:
        shell("rm /full")

    assert run.status != 0
    assert set(run.changed.values()) == {0}
    assert re.search(r"solo has 3\d\d MiB of disk left below /opt and needs \d+ .* Free \d+ MiB on solo", run.output)


@pytest.mark.usefixtures("deployed")
def test_a_release_that_was_damaged_on_its_way_is_refused_on_the_host(solo, shell, tmp_path):
    release = tmp_path / "release"
    shutil.copytree(paths.RELEASES / "greeting-1.0.0", release)
    wheel = next((release / "wheels").glob("fleet_greeting-*"))
    wheel.write_bytes(wheel.read_bytes()[:-1])
    packed = subprocess.run(["tar", "-c", "-C", release, "."], capture_output=True, check=True).stdout
    solo.exec(HOST, ["sh", "-c", "mkdir /upload; cat >/upload/release.tar"], input=packed, check=True)
    arguments = {
        "archive": "/upload/release.tar",
        "manifest_sha256": hashlib.sha256((release / "manifest.json").read_bytes()).hexdigest(),
        "destination": "/opt/fleet/greeting/1.0.1",
        "uv": "/opt/fleet/bin/uv",
    }
    command = [Path(sys.executable).with_name("ansible"), "--inventory", SINGLE, HOST, "--module-name=service_release"]

    run = subprocess.run(
        [*command, "--args", json.dumps(arguments)], cwd=paths.ROOT, capture_output=True, text=True, check=False
    )

    # Nothing of it is left there.
    shell("rmdir /upload")
    assert run.returncode != 0
    said = f"greeting 1.0.1 is refused on this host, nothing was changed: wheel {wheel.name} is corrupt"
    assert said in run.stdout + run.stderr
    assert shell("ls /opt/fleet/greeting").split() == ["1.0.0"]


@pytest.mark.usefixtures("deployed")
def test_check_mode_tells_of_whatever_a_run_changes_and_touches_nothing(playbook, shell):
    admin = inventories.load(SINGLE).variable("secrets", "core")["redis"]["admin_password"]
    address = inventories.load(SINGLE).variable("ansible_host", "core")
    redis = f'redis() {{ REDISCLI_AUTH={admin} redis-cli --user admin -h {address} "$@"; }}'
    shell("\n".join([redis, *DRIFT.values(), "touch /before"]))
    look = f"""
        find / -xdev -cnewer /before {" ".join(f"-not -path '{path}'" for path in BUSY)} -type f
        systemctl show --property=MainPID,StateChangeTimestampMonotonic '*.service' | sort
        supervisorctl status | sed 's/uptime.*//'
    """
    before = shell(look)

    check = playbook("site.yml", "--check", "--diff", inventory=SINGLE).check()

    assert shell(look) == before
    run = playbook("site.yml", inventory=SINGLE).check()
    assert changed_tasks(check) == changed_tasks(run)
    assert set(DRIFT) <= changed_tasks(run)


def test_after_a_power_cut_the_host_serves_what_it_had_without_a_word_from_ansible(
    solo, trip, playbook, await_condition
):
    with solo.powered_off(HOST):
        pass

    await_condition(lambda: requests.get(trip, timeout=5).status_code == 200, 120, "the trip is there again")
    run = await_condition(lambda: playbook("status.yml", inventory=SINGLE).check(), 60, "all is well again")
    assert "All is well." in run.output
