"""Hosts come and go: one is added and two have lost their disks, and one deployment makes the fleet whole again."""

import shutil
import threading

import pytest
import yaml

from fleet.paths import INVENTORY
from lab import Lab
from tests.load import Load

pytestmark = pytest.mark.lab

NEW, NEW_ADDRESS = "app4", "10.77.0.24"
WIPED_CORE, WIPED_APP = "core2", "app2"
UNTOUCHED = ["app1", "app3"]

# Prints HAProxy's word for one server of the gateway.
SERVER_STATUS = """
import csv, socket, sys
admin = socket.socket(socket.AF_UNIX)
admin.connect("/run/haproxy/admin.sock")
admin.sendall(b"show stat\\n")
rows = csv.DictReader(admin.makefile().read().removeprefix("# ").splitlines())
print(*(row["status"] for row in rows if (row["pxname"], row["svname"]) == ("gateway", sys.argv[1])))
"""


@pytest.fixture(scope="module")
def grown_inventory(tmp_path_factory):
    """The lab's inventory with one more app host."""
    folder = tmp_path_factory.mktemp("inventory")
    shutil.copytree(INVENTORY.parent / "group_vars", folder / "group_vars")
    content = yaml.safe_load(INVENTORY.read_text())
    content["app"]["hosts"][NEW] = {"ansible_host": NEW_ADDRESS}
    path = folder / "lab.yml"
    path.write_text(yaml.safe_dump(content))
    return path


class EarlyBroker(threading.Thread):
    """Watches from an app host whether the wiped node takes clients before its peers list it as running."""

    def __init__(self, lab):
        super().__init__()
        self._lab = lab
        self.end = threading.Event()
        self.seen_open = self.open_too_early = False

    def _shell(self, host, command):
        return self._lab.exec(host, ["bash", "-c", command], capture_output=True, text=True, check=False)

    def run(self):
        connect = f"timeout 1 bash -c '</dev/tcp/{self._address}/5672'"
        while not self.end.wait(0.3) and not self.seen_open:
            if self._shell("app1", connect).returncode == 0:
                listed = self._shell("core1", "rabbitmqctl --silent eval 'rabbit_nodes:list_running().'").stdout
                self.seen_open = True
                self.open_too_early = f"rabbit@{WIPED_CORE}" not in listed

    @property
    def _address(self):
        return next(one.address for one in self._lab.status() if one.host == WIPED_CORE)


def pids(lab, host):
    command = ["supervisorctl", "pid", "all"]
    return lab.exec(host, command, capture_output=True, text=True, check=True).stdout.split()


@pytest.fixture(scope="module")
def repaired(lab, grown_inventory, playbook, base_url):
    """After the deployment: what the load saw, the broker's watcher, and the instances' pids before and after."""
    before = {host: pids(lab, host) for host in UNTOUCHED}
    lab.destroy(WIPED_CORE, WIPED_APP)
    grown = Lab.from_inventory(grown_inventory)
    grown.up()
    watcher = EarlyBroker(lab)
    watcher.start()
    try:
        with Load(base_url, rate=4) as load:
            run = playbook("site.yml", inventory=grown_inventory)
    finally:
        watcher.end.set()
        watcher.join()
    after = {host: pids(lab, host) for host in UNTOUCHED}
    yield run, load, watcher, before, after
    grown.destroy(NEW)
    playbook("site.yml").check()


def test_the_deployment_ends_well(repaired):
    repaired[0].check()


def test_instances_on_the_other_hosts_are_not_disturbed(repaired):
    _, _, _, before, after = repaired
    assert before == after


def test_the_application_goes_on_meanwhile_and_loses_no_acknowledged_write(repaired):
    _, load, _, _, _ = repaired
    assert not load.failures
    assert not load.lost()


def test_a_wiped_broker_takes_no_client_before_its_peers_list_it(repaired):
    watcher = repaired[2]
    assert watcher.seen_open
    assert not watcher.open_too_early


@pytest.mark.usefixtures("repaired")
def test_the_wiped_core_host_is_a_member_with_a_replica_of_every_queue(on):
    replicas = "rabbitmqctl --silent --no-table-headers list_queues name type members"
    queues = [line for line in on("core1", replicas).splitlines() if "\tquorum\t" in line]
    assert queues
    assert not [line for line in queues if f"rabbit@{WIPED_CORE}" not in line]
    # A voter that has forgotten what it acknowledged must not have come back: peers take an empty node of a name that
    # they know for the one that was there.
    log = on(WIPED_CORE, f"cat /var/log/rabbitmq/rabbit@{WIPED_CORE}.log")
    assert "metadata store" in log
    assert "was not found on this node. Starting member as a new one" not in log
    assert "metadata store: leader saw append_entries" not in log


@pytest.mark.usefixtures("repaired")
def test_status_says_that_all_is_well_and_lists_the_new_host(playbook, grown_inventory):
    run = playbook("status.yml", inventory=grown_inventory).check()
    assert "All is well." in run.output
    assert f"gateway-1.0.0-a1   {NEW}" in run.output


@pytest.mark.usefixtures("repaired")
def test_the_new_host_takes_requests(on, await_condition):
    ask = f"python3 -c '{SERVER_STATUS}' {NEW}-a1"
    await_condition(lambda: on("edge1", ask).strip() == "UP", 10, "the balancer uses the new host")
