"""Takes the place of Nameko's pytest plugin: the same fixtures on a RabbitMQ of the tests' own, without its HTTP API.

With UPSTREAM_MODE=drop-in, `nameko.rpc` and `nameko.standalone.rpc` are the chassis's.
"""

import faulthandler
import json
import os
import re
from pathlib import Path

import amqp
import eventlet
import pytest
from chassis.testing.rabbitmq_server import RabbitMQServer
from nameko.testing.pytest import *  # noqa: F403 - its other fixtures and its options stay

DROP_IN = os.environ["UPSTREAM_MODE"] == "drop-in"
TEST_TIMEOUT = 15  # seconds for a test's call, and for its teardown
# Seconds after which the process ends, when eventlet's hub is gone and with it all other ends.
HARD_TIMEOUT = 40

_results = {}
_touched = []


def _note(cls, method):
    """Have it noted that a test uses the chassis: many of Nameko's tests are of its inner classes alone."""
    original = getattr(cls, method)

    def noting(self, *args, **kwargs):
        _touched.append(cls)
        return original(self, *args, **kwargs)

    setattr(cls, method, noting)


if DROP_IN:
    import chassis.rpc
    import chassis.standalone
    import nameko.rpc
    import nameko.standalone.rpc

    _note(chassis.rpc.Rpc, "__init__")
    _note(chassis.rpc.RpcProxy, "__init__")
    _note(chassis.standalone._StandaloneProxy, "__init__")
    for name in chassis.rpc.__all__:
        setattr(nameko.rpc, name, getattr(chassis.rpc, name))
    for name in ("ServiceRpcProxy", "ClusterRpcProxy", "ClusterProxy"):
        setattr(nameko.standalone.rpc, name, getattr(chassis.standalone, name))


@pytest.fixture(scope="session")
def rabbitmq():
    with RabbitMQServer() as server:
        yield server


@pytest.fixture
def rabbit_manager(rabbitmq):
    """What the tests use of `nameko.testing.rabbit.Client`."""
    return _Manager(rabbitmq)


@pytest.fixture
def rabbit_config(rabbitmq):
    vhost = rabbitmq.add_vhost()
    config = {"AMQP_URI": rabbitmq.uri(vhost), "username": "guest", "vhost": vhost}
    if DROP_IN:
        config |= {
            "SERVICE_CONTAINER_CLS": "chassis.container.ServiceContainer",
            "WEB_SERVER_ADDRESS": "127.0.0.1:0",
        }
    yield config
    rabbitmq.delete_vhost(vhost)


class _Manager:
    def __init__(self, rabbitmq):
        self._rabbitmq = rabbitmq

    def get_queues(self, vhost):
        return [{"name": name} for name in self._rabbitmq.queues(vhost)]

    def get_queue(self, vhost, name):
        found = self._rabbitmq.evaluate(
            "[pid_to_list(proplists:get_value(connection, rabbit_channel:info(element(1, Consumer), [connection]))) "
            f'|| Queue <- rabbit_amqqueue:list(<<"{vhost}">>), element(4, amqqueue:get_name(Queue)) == <<"{name}">>, '
            "Consumer <- rabbit_amqqueue:consumers(Queue)]"
        )
        connections = re.findall(r"<[\d.]+>", found)
        return {"consumer_details": [{"channel_details": {"connection_name": name}} for name in connections]}

    def create_queue(self, vhost, name, auto_delete):
        with self._rabbitmq.connect(vhost) as connection:
            connection.channel().queue_declare(name, durable=True, auto_delete=auto_delete)

    def create_queue_binding(self, vhost, exchange, queue, routing_key):
        with self._rabbitmq.connect(vhost) as connection:
            connection.channel().queue_bind(queue, exchange, routing_key)

    def publish(self, vhost, name, routing_key, payload, properties=None):
        with self._rabbitmq.connect(vhost) as connection:
            channel = connection.channel()
            channel.confirm_select()
            channel.basic_publish_confirm(amqp.Message(payload, **(properties or {})), name, routing_key)

    def get_messages(self, vhost, name):
        with self._rabbitmq.connect(vhost) as connection:
            message = connection.channel().basic_get(name, no_ack=True)
        return [] if message is None else [{"payload": message.body, "properties": dict(message.properties)}]


def _timed(item):
    faulthandler.dump_traceback_later(HARD_TIMEOUT, exit=True)
    with eventlet.Timeout(TEST_TIMEOUT, RuntimeError(f"{item.name} took longer than {TEST_TIMEOUT} s")):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup():
    _touched.clear()
    return (yield)  # not timed: the first one starts RabbitMQ


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    return (yield from _timed(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item):
    return (yield from _timed(item))


def pytest_collectreport(report):
    if report.failed:
        _results[report.nodeid] = {"outcome": "failed", "why": str(report.longrepr)[-300:], "drop_in": DROP_IN}


def pytest_runtest_logreport(report):
    if report.when != "call" and report.passed:
        return
    why = ""
    if report.skipped:
        why = report.longrepr[2]  # file, line, reason
    elif report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        why = f"in {report.when}: {crash.message if crash else report.longrepr}".splitlines()[0][:300]
    before = _results.get(report.nodeid, {"outcome": ""})
    if before["outcome"] != "failed":  # a teardown that fails after the test has tells nothing
        _results[report.nodeid] = {"outcome": report.outcome, "why": why, "drop_in": bool(_touched)}
    # After each test, so that those before one that ends the process are not lost.
    Path(os.environ["UPSTREAM_RESULTS"]).write_text(json.dumps(_results))
