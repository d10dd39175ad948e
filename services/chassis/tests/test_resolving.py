"""How an instance looks up names of hosts, in a process of its own, started as the fleet starts it."""

import json
import socket
import subprocess
import sys
from contextlib import closing

import pytest
from chassis.testing import DEADLINE

from .test_process import sources

# A name server that is at 127.0.0.1:PORT, and says nothing.
CHECK = """
import eventlet
eventlet.monkey_patch()
import json, socket, sys
from chassis.container import ServiceContainer

class Service:
    name = "tried_service"

ServiceContainer(Service, {"AMQP_URI": "memory://", "WEB_SERVER_ADDRESS": "127.0.0.1:0"})
port, ticks, found = int(sys.argv[1]), [], {}

def tick():
    while True:
        ticks.append(1)
        eventlet.sleep(0.01)

with socket.create_server(("127.0.0.1", 0)) as listener:
    socket.create_connection(listener.getsockname()).close()
found["loopback"] = socket.getaddrinfo("localhost", 80, type=socket.SOCK_STREAM)[0][4][0]
found["address"] = socket.gethostbyname(b"192.0.2.7"), socket.getaddrinfo("::1", 80)[0][4][0]
found["before"] = "dns" in sys.modules
from eventlet.support import greendns  # so that it asks ours
greendns.resolver._resolver.nameservers, greendns.resolver._resolver.port = ["127.0.0.1"], port
eventlet.spawn(tick)
try:
    with eventlet.Timeout(0.5):
        socket.create_connection(("slow.example", 80))
except eventlet.Timeout:
    found["ticks"] = len(ticks)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found():
    """What the process found."""
    with closing(socket.socket(type=socket.SOCK_DGRAM)) as name_server:
        name_server.bind(("127.0.0.1", 0))
        command = [sys.executable, "-W", "ignore", "-c", CHECK, str(name_server.getsockname()[1])]
        environment = {**sources("greeting"), "EVENTLET_NO_GREENDNS": "yes"}
        run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, timeout=DEADLINE, check=True)
    return json.loads(run.stdout)


def test_addresses_are_none_that_need_the_resolver(found):
    assert found["loopback"] in ("127.0.0.1", "::1")
    assert found["address"] == ["192.0.2.7", "::1"]
    assert not found["before"]


def test_a_name_server_that_is_slow_keeps_no_other_greenlet_waiting(found):
    assert found["ticks"] > 10
