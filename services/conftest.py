"""Fixtures that the tests of all services share."""

import pytest
from chassis.testing import until
from chassis.testing.cuttable_proxy import CuttableProxy
from chassis.testing.rabbitmq_server import RabbitMQServer
from chassis.testing.redis_server import RedisServer
from chassis.testing.served import Served


@pytest.fixture
def serve():
    """A function that starts a service; keyword arguments replace its dependencies."""
    running = []

    def start(service_cls, config=None, **dependencies):
        running.append(Served(service_cls, config or {}, dependencies))
        return running[-1]

    yield start
    for served in running:
        served.stop()


@pytest.fixture(scope="session")
def shared_redis():
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_server(shared_redis):
    """An empty Redis server with the users of the services, whose key patterns are the catalogue's."""
    with shared_redis.client() as client:
        client.flushall()
    shared_redis.add_user("airports", "~airport:*", "~airports:*", "%R~airport-trips:*")
    shared_redis.add_user("trips", "~trip:*", "~trips:*", "~airport-trips:*", "%R~airport:*")
    shared_redis.add_user("gateway", "~idempotency:*")
    return shared_redis


@pytest.fixture
def primary():
    """A Redis primary of its own, for tests that break it."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def replica(primary):
    """The replica of `primary`, in step with it."""
    with primary.replica() as server, server.client() as client:
        until(lambda: client.info("replication")["master_link_status"] == "up")
        yield server


@pytest.fixture(scope="session")
def rabbitmq():
    """A RabbitMQ; each test takes a virtual host of its own (`vhost`)."""
    with RabbitMQServer() as server:
        yield server


@pytest.fixture
def vhost(rabbitmq):
    """The name of an empty virtual host of `rabbitmq`."""
    rabbitmq.heal()
    name = rabbitmq.add_vhost()
    yield name
    rabbitmq.heal()
    rabbitmq.delete_vhost(name)


@pytest.fixture
def broker_proxy(rabbitmq):
    """A proxy before `rabbitmq` whose connections the test can cut, freeze and refuse."""
    with CuttableProxy(rabbitmq.port) as proxy:
        yield proxy
