"""What HAProxy and keepalived do: on app hosts in front of broker and Redis, on edge hosts in front of the services."""

import pytest

from fleet import catalogue

pytestmark = pytest.mark.lab

SERVERS = """
import csv, socket

with socket.socket(socket.AF_UNIX) as admin:
    admin.connect("/run/haproxy/admin.sock")
    admin.sendall(b"show stat\\n")
    text = admin.makefile().read()
rows = csv.DictReader(text.removeprefix("# ").splitlines())
print(json.dumps([row for row in rows if row["svname"] not in ("FRONTEND", "BACKEND")]))
"""

# VRRP is protocol 112; each announcement goes to every peer five times a second.
ANNOUNCEMENT = """
import socket

with socket.socket(socket.AF_INET, socket.SOCK_RAW, 112) as listener:
    listener.settimeout(10)
    packet = listener.recv(2000)
vrrp = packet[(packet[0] & 15) * 4:]
print(json.dumps({
    "from": socket.inet_ntoa(packet[12:16]), "version": vrrp[0] >> 4, "type": vrrp[0] & 15, "priority": vrrp[2],
    "centiseconds": int.from_bytes(vrrp[4:6]) & 4095, "address": socket.inet_ntoa(vrrp[8:12]),
}))
"""


def up(servers, backend):
    return {row["svname"] for row in servers if row["pxname"] == backend and row["status"] == "UP"}


def of(servers, backend):
    return [row for row in servers if row["pxname"] == backend]


def checks(rows):
    """What the last check of each said; HAProxy marks those that are checked at the moment."""
    return {row["check_status"].removeprefix("* ") for row in rows}


def test_app_hosts_have_a_way_to_every_broker_that_greets(inventory, python_on):
    for servers in python_on(inventory.groups["app"], SERVERS).values():
        assert up(servers, "amqp") == set(inventory.groups["core"])
        # Layer 7: it is what the broker says that counts, not that its port is open.
        assert checks(of(servers, "amqp")) == {"L7OK"}


CONNECT = """
import socket

for _ in range(5):
    with socket.create_connection(("127.0.0.1", 5672), timeout=10) as broker:
        broker.sendall(b"AMQP\\x00\\x00\\x09\\x01")
        assert broker.recv(1) == b"\\x01"
print("null")
"""


def test_services_of_all_hosts_connect_to_the_same_broker(inventory, python_on):
    before = python_on(inventory.groups["app"], SERVERS)
    python_on(inventory.groups["app"], CONNECT)
    after = python_on(inventory.groups["app"], SERVERS)

    for host in inventory.groups["app"]:
        totals = [{row["svname"]: int(row["stot"]) for row in of(found[host], "amqp")} for found in (before, after)]
        more = {name: totals[1][name] - totals[0][name] for name in totals[1]}
        first, *others = inventory.groups["core"]
        assert more[first] >= 5, more
        assert not any(more[name] for name in others), more


def test_app_hosts_have_a_way_to_the_primary_alone(inventory, python_on):
    found = python_on(inventory.groups["app"], SERVERS)
    primaries = [up(servers, "redis") for servers in found.values()]
    assert all(len(one) == 1 for one in primaries)
    assert len(set(map(frozenset, primaries))) == 1
    for servers in found.values():
        assert {row["svname"] for row in of(servers, "redis")} == set(inventory.groups["core"])
        assert checks(row for row in of(servers, "redis") if row["status"] == "DOWN") == {"L7RSP"}


def test_the_edge_sends_requests_to_every_instance_that_says_it_is_ready(inventory, python_on):
    services = catalogue.complete(inventory.variable("services", "edge"))
    published = {service: entry for service, entry in services.items() if entry["http"]}
    for servers in python_on(inventory.groups["edge"], SERVERS).values():
        assert {row["pxname"] for row in servers} == set(published)
        for service, entry in published.items():
            ready = [row for row in of(servers, service) if row["status"] == "UP"]
            assert len(ready) == entry["instances"] * len(inventory.groups["app"])
            assert (checks(ready), {row["check_code"] for row in ready}) == ({"L7OK"}, {"200"})


def holders(inventory, on_each):
    vip = inventory.variable("vip", "edge")
    shown = on_each(inventory.groups["edge"], "ip -oneline -4 address")
    return [host for host, out in shown.items() if f" {vip}/" in out]


def test_one_edge_host_has_the_virtual_ip_and_announces_it(inventory, on_each, python_on):
    [holder] = holders(inventory, on_each)
    others = [host for host in inventory.groups["edge"] if host != holder]
    for announcement in python_on(others, ANNOUNCEMENT).values():
        assert announcement == {
            "from": inventory.hostvars[holder]["ansible_host"],
            "version": 3,
            "type": 1,
            "priority": 100,
            "centiseconds": 20,
            "address": inventory.variable("vip", "edge"),
        }


def test_a_host_that_comes_back_takes_nothing_from_the_one_that_serves(inventory, on_each):
    hosts = inventory.groups["edge"]
    files = on_each(hosts, "grep -Ex ' *(state BACKUP|nopreempt|priority 100)' /etc/keepalived/keepalived.conf")
    assert {tuple(out.split()) for out in files.values()} == {("state", "BACKUP", "nopreempt", "priority", "100")}
    # The process has read it: nothing was written since it started or reloaded.
    ages = on_each(hosts, "systemctl show keepalived --property=ActiveState,SubState --value")
    assert set(ages.values()) == {"active\nrunning\n"}


def test_nobody_but_root_and_haproxy_commands_it(inventory, on_each):
    hosts = inventory.groups["app"] + inventory.groups["edge"]
    shown = on_each(hosts, "stat --format '%U %G %a' /run/haproxy/admin.sock")
    assert {tuple(out.split()) for out in shown.values()} <= {("root", "root", "660"), ("root", "haproxy", "660")}
