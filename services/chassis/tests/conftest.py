"""RPC on a real RabbitMQ: services and callers in the test's own thread, whose eventlet hub runs while it waits."""

import json
import os
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack, suppress
from pathlib import Path

import amqp
import eventlet
import pytest
import yaml
from chassis.amqp import Address, Connection, Message
from chassis.amqp.frames import CHANNEL
from chassis.container import ServiceContainer
from chassis.rpc import wire
from chassis.standalone import ClusterRpcProxy
from chassis.testing import until
from pamqp import commands, frame

from .slow import Slow
from .tried import GATE

SECONDS = 30  # after which a test that waits is broken
SOURCES = Path(__file__).parents[1] / "src"


def eventually(condition, seconds=SECONDS):
    """Let greenlets run until a condition is true, and return what it returned."""
    give_up = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > give_up:
            raise TimeoutError(f"{condition} did not come true within {seconds} s.")
        eventlet.sleep(0.005)
    return found


class Here:
    """Starts services and callers, and ends them after the test."""

    def __init__(self, uri):
        self.uri = uri
        self._undo = ExitStack()

    def config(self, **settings):
        """Nameko's settings; keyword arguments add to them."""
        common = {"AMQP_URI": self.uri, "WEB_SERVER_ADDRESS": "127.0.0.1:0", "RPC_TIMEOUT": 10, "max_workers": 10}
        return common | settings

    def container(self, service_cls, container_cls=ServiceContainer, **settings):
        """A container that is not started yet."""
        container = container_cls(service_cls, self.config(**settings))
        self._undo.callback(container.kill)
        return container

    def start(self, service_cls, container_cls=ServiceContainer, **settings):
        """Start a service and return its container."""
        container = self.container(service_cls, container_cls, **settings)
        container.start()
        return container

    def calls(self, context_data=None, timeout=None, **settings):
        """Connect a caller: what it returns has services as attributes."""
        return self._undo.enter_context(ClusterRpcProxy(self.config(**settings), context_data, timeout))

    def raw(self):
        """A peer that sends what it likes."""
        raw = Raw(self.uri)
        self._undo.callback(raw.close)
        return raw

    def close(self):
        self._undo.close()


class Raw:
    """Speaks AMQP to a service by hand: sends any message, and keeps the replies by correlation id."""

    def __init__(self, uri):
        self.connection = Connection(Address.from_uri(uri), 0, "raw", lambda _event: None)
        self.reply_to, self.replies = f"raw-{uuid.uuid4()}", {}
        wire.declare_exchange(self.connection, {})
        wire.declare_queue(self.connection, {}, self.reply_to, self.reply_to, exclusive=True)
        self.connection.consume(self.reply_to, self._keep, no_ack=True)

    def _keep(self, message: Message):
        self.replies.setdefault(message.properties.correlation_id, []).append(message)

    def send(self, routing_key, content, **properties):
        """Publish, and wait until RabbitMQ has it; return what became of it."""
        outcomes = []
        if isinstance(content, dict | list):
            content = json.dumps(content).encode()
            properties = {"content_type": "application/json", "content_encoding": "utf-8", **properties}
        properties = commands.Basic.Properties(**properties)
        self.connection.publish("nameko-rpc", routing_key, content, properties, outcomes.append)
        return eventually(lambda: outcomes)[0]

    def send_frames(self, routing_key, header, content):
        """Publish with a content header (bytes, from its class on) and a routing key (bytes) that nothing checks."""
        method = b"\0\x3c\0\x28\0\0\x0anameko-rpc" + bytes([len(routing_key)]) + routing_key + b"\0"
        self.connection._publications.add(lambda _outcome: None, "", None, mandatory=False)  # the broker counts it too
        sent = [(1, method), (2, header), *([(3, content)] if content else [])]
        self.connection._send(b"".join(frame._marshal(kind, CHANNEL, payload) for kind, payload in sent))

    def reply(self, correlation_id):
        """Wait for the reply to a request, and return its body."""
        eventually(lambda: self.replies.get(correlation_id))
        return json.loads(self.replies[correlation_id][0].body)

    def call(self, routing_key, *args, **properties):
        """Send a proper call, and return the body of its reply."""
        correlation_id = str(uuid.uuid4())
        own = {"correlation_id": correlation_id, "reply_to": self.reply_to, **properties}
        self.send(routing_key, {"args": list(args), "kwargs": {}}, **own)
        return self.reply(correlation_id)

    def close(self):
        self.connection.close()


@pytest.fixture
def here(rabbitmq, vhost):
    """Services and callers on a virtual host of `rabbitmq`."""
    with eventlet.Timeout(SECONDS):
        here = Here(rabbitmq.uri(vhost))
        yield here
        here.close()


@pytest.fixture
def there(rabbitmq, vhost, broker_proxy):
    """As `here`, but with `broker_proxy` between them and RabbitMQ."""
    with eventlet.Timeout(SECONDS):
        there = Here(rabbitmq.uri(vhost, broker_proxy.port))
        yield there
        broker_proxy.heal()
        there.close()


class NamekoRun:
    """A process of `nameko run`, with the services of `chassis.testing.rpc_services`."""

    def __init__(self, folder, config, stack="chassis", **environment):
        self.log = folder / f"log-{stack}-{uuid.uuid4()}"
        settings = {"LOGGING": {"version": 1, "disable_existing_loggers": False}, **config}
        settings["LOGGING"] |= {
            "handlers": {"stderr": {"class": "logging.StreamHandler"}},
            "root": {"level": "INFO", "handlers": ["stderr"]},
        }
        if stack == "chassis":
            settings |= {
                "SERVICE_CONTAINER_CLS": "chassis.container.ServiceContainer",
                "WEB_SERVER_ADDRESS": "127.0.0.1:0",
            }
        path = folder / f"{stack}-{uuid.uuid4()}.yml"
        path.write_text(yaml.safe_dump(settings))
        command = [sys.executable, "-W", "ignore", "-m", "nameko", "run", "--config", str(path)]
        command.append("chassis.testing.rpc_services")
        environment = {**os.environ, "PYTHONPATH": str(SOURCES), "RPC_STACK": stack, **environment}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, stderr=log, stdout=log, env=environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def consumes(self, rabbitmq, vhost, *services):
        """Wait until it takes calls for services."""

        def all_do():
            if self.process.poll() is not None:
                raise RuntimeError(self.log.read_text())
            with suppress(amqp.NotFound):
                return all(rabbitmq.consumers(vhost, f"rpc-{service}") for service in services)

        until(all_do)
        return self

    def exit_code(self):
        """Wait until it has ended, letting greenlets run."""
        eventually(lambda: self.process.poll() is not None)
        return self.process.returncode


@pytest.fixture
def nameko_run(rabbitmq, vhost, tmp_path):
    """A function that starts `nameko run` on the virtual host of `here`, and returns when its services take calls."""
    with ExitStack() as running:

        def start(*services, port=None, environment=None, **settings):
            config = {"AMQP_URI": rabbitmq.uri(vhost, port), "max_workers": 10, "RPC_TIMEOUT": 10, **settings}
            process = running.enter_context(NamekoRun(tmp_path, config, **(environment or {})))
            return process.consumes(rabbitmq, vhost, *services)

        yield start


@pytest.fixture
def gate():
    """What slow requests of `tried` wait for, closed; open when the test ends, lest a worker waits for ever."""
    GATE.clear()
    yield GATE
    GATE.set()


@pytest.fixture
def slow(here):
    Slow.done = []
    here.start(Slow)
    return here.calls(timeout=100).slow_service


@pytest.fixture(scope="module")
def echo(rabbitmq):
    """A service, a peer that sends it what it likes, and a caller."""
    from .echoing import Echo, Echoing  # which needs what is above

    vhost = rabbitmq.add_vhost()
    here = Here(rabbitmq.uri(vhost))
    container = here.start(Echo)
    yield Echoing(here, container)
    here.close()
    rabbitmq.delete_vhost(vhost)
