"""Who reaches what over the network: real connections, from every host and from a machine outside of the fleet."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from fleet import catalogue
from fleet.instances import SLOTS, instance

pytestmark = pytest.mark.lab

SSH, EPMD, AMQP, REDIS, ERLANG, SENTINEL, ALIVE, RECORD = 22, 4369, 5672, 6379, 25672, 26379, 8404, 8405
STRANGER = "a stranger"  # this machine, which is no host of the fleet

# One thread for each connection, so that all of them take as long as the slowest.
PROBE = """
import json, socket, threading

answers = []

def probe(address, port):
    try:
        socket.create_connection((address, port), timeout=4).close()
        answers.append([address, port, "open"])
    except ConnectionRefusedError:
        answers.append([address, port, "closed"])
    except OSError:
        answers.append([address, port, "silent"])

threads = [threading.Thread(target=probe, args=target) for target in given]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def addresses(inventory):
    """Host to address."""
    return {host: inventory.hostvars[host]["ansible_host"] for host in inventory.hostvars}


@pytest.fixture(scope="module")
def services(inventory):
    """The catalogue with its defaults."""
    return catalogue.complete(inventory.variable("services", "app"))


@pytest.fixture(scope="module")
def instance_ports(services):
    """Where instances may listen, in both slots."""
    return {
        instance(service, entry, slot, number + 1)["port"]
        for service, entry in services.items()
        for slot in SLOTS
        for number in range(entry["instances"])
    }


@pytest.fixture(scope="module")
def targets(addresses, instance_ports):
    """(host, port) of whatever might be reached, the virtual IP included."""
    ports = {SSH, EPMD, AMQP, REDIS, ERLANG, SENTINEL, ALIVE, RECORD, 8000, *instance_ports}
    return {("vip", 8000), ("vip", ALIVE), *((host, port) for host in addresses for port in ports)}


@pytest.fixture(scope="module")
def reached(inventory, addresses, targets, python_on):
    """From (a host or STRANGER) to what a connection to each target met: open, closed or silent."""
    where = {**addresses, "vip": inventory.variable("vip", "edge")}
    names = {address: name for name, address in where.items()}
    asked = [[where[host], port] for host, port in targets]

    def from_here():
        program = f"import json\ngiven = json.loads('{json.dumps(asked)}')\n{PROBE}"
        done = subprocess.run(
            [sys.executable, "-"], input=program, capture_output=True, text=True, check=True, timeout=60
        )
        return {STRANGER: json.loads(done.stdout)}

    with ThreadPoolExecutor(2) as pool:
        outside, inside = pool.submit(from_here), pool.submit(python_on, list(addresses), PROBE, asked)
        found = {**outside.result(), **inside.result()}
    return {
        source: {(names[address], port): answer for address, port, answer in answers}
        for source, answers in found.items()
    }


def may_reach(groups, source, target, port, instance_ports):
    """What the design says: the one place in these tests that does."""
    if port == SSH and target != "vip":
        return True
    if target == "vip":
        return port == 8000
    kinds = {kind: source in hosts for kind, hosts in groups.items()}
    if target in groups["core"]:
        of_core = kinds["core"] and port in (EPMD, ERLANG, REDIS, SENTINEL)
        return of_core or (kinds["app"] and port in (AMQP, REDIS, RECORD))
    if target in groups["app"]:
        return kinds["edge"] and port in instance_ports
    return port == 8000  # open, but only the virtual IP has somebody behind it


def test_everybody_reaches_what_it_needs_and_nothing_else(inventory, reached, targets, instance_ports):
    wrong = []
    for source, answers in reached.items():
        for target, port in sorted(targets):
            if target == source:
                continue  # what a host says to itself, no firewall hears
            if target == "vip" and port == ALIVE and source in inventory.groups["edge"]:
                continue  # which may be itself
            answer = answers[target, port]
            if (answer != "silent") != may_reach(inventory.groups, source, target, port, instance_ports):
                wrong.append(f"{source} to {target}:{port} is {answer}")
    assert not wrong


def test_what_may_be_reached_is_there(inventory, reached, services, addresses):
    """Else the silence elsewhere would prove nothing: somebody does listen."""
    for source in [STRANGER, *addresses]:
        assert reached[source]["vip", 8000] == "open"
        assert all(reached[source][host, SSH] == "open" for host in addresses if host != source)
    for app in inventory.groups["app"]:
        needed = (AMQP, REDIS, RECORD)
        assert {reached[app][core, port] for core in inventory.groups["core"] for port in needed} == {"open"}
    for core in inventory.groups["core"]:
        peers = set(inventory.groups["core"]) - {core}
        assert {reached[core][peer, port] for peer in peers for port in (EPMD, ERLANG, REDIS, SENTINEL)} == {"open"}
    expected = sum(entry["instances"] for entry in services.values())
    for edge in inventory.groups["edge"]:
        for app in inventory.groups["app"]:
            listening = [port for (host, port), answer in reached[edge].items() if host == app and answer == "open"]
            assert len(set(listening) - {SSH}) == expected


def test_daemons_listen_on_their_own_address_alone(inventory, addresses, on_each):
    vip = inventory.variable("vip", "edge")
    for host, out in on_each(list(addresses), "ss --no-header --listening --tcp --numeric").items():
        for line in out.splitlines():
            address, _, port = line.split()[3].rpartition(":")
            # sshd is the operator's, and Erlang's port mapper is Debian's socket unit: the firewall guards it.
            assert int(port) in (SSH, EPMD) or address in (addresses[host], vip, "127.0.0.1"), (host, line)


def test_the_rules_survive_a_reboot(addresses, on_each):
    states = on_each(
        list(addresses), "systemctl is-enabled nftables; nft list chain inet fleet input | grep -c 'policy drop'"
    )
    assert set(states.values()) == {"enabled\n1\n"}
