"""The tutorial's experiments: a method that takes five seconds, called many times at once."""

import time
from collections import Counter
from functools import partial
from urllib.parse import quote

import kombu.pools
import pytest
from amqp.exceptions import NotFound
from kombu import Connection
from nameko.standalone.rpc import ClusterRpcProxy

from fleet import tunnel
from fleet.translate import OPERATOR
from tests.tutorial.instance import WORKERS, running
from tests.tutorial.slow_greeting import SECONDS, TutorialService

pytestmark = pytest.mark.lab

VHOST = "tutorial"
# The greeting's own: a user made for the tests would be a surplus one to a deployment, which deletes it.
USER = "greeting"
# Seconds without any answer until a call counts as lost: under the 60 s after which the balancer closes a silent
# connection, for then Nameko's standalone proxy connects again and waits anew.
PATIENCE = 30


@pytest.fixture(scope="module")
def broker(lab, inventory):
    """A virtual host of the fleet's broker for the tests alone: the operator's URI of it on the controller."""
    core = inventory.groups["core"][0]

    def rabbitmqctl(*arguments, check=True):
        done = lab.exec(core, ["rabbitmqctl", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0 or not check, done.stderr

    rabbitmqctl("delete_vhost", VHOST, check=False)  # a test session that was killed leaves it, with its calls
    try:
        rabbitmqctl("add_vhost", VHOST, "--default-queue-type", "quorum")
        for user in (OPERATOR, USER):
            rabbitmqctl("set_permissions", "--vhost", VHOST, user, ".*", ".*", ".*")
        with tunnel.amqp(inventory) as uri:
            yield f"{uri}{VHOST}"
            kombu.pools.reset()  # closes the connections that calls were sent on, while the tunnel stands
    finally:
        rabbitmqctl("delete_vhost", VHOST)


@pytest.fixture(scope="module")
def started(lab, inventory, broker):
    """Starts an instance on a host, of a version, for the length of a `with` block."""
    del broker
    service = inventory.variable("services", "app")["greeting"]
    password = inventory.variable("secrets", "app")["services"]["greeting"]["rabbitmq_password"]
    return partial(
        running,
        lab,
        nameko=f"/opt/fleet/greeting/{service['release']}/venv/bin/nameko",
        amqp_uri=f"amqp://{USER}:{quote(password, safe='')}@{tunnel.BROKER}/{VHOST}",
    )


@pytest.fixture(scope="module")
def first(started, inventory):
    """The instance that every experiment has."""
    with started(inventory.groups["app"][0], "1.0.0") as instance:
        yield instance


@pytest.fixture
def second(started, inventory):
    """Another one, on another host and of another version."""
    with started(inventory.groups["app"][1], "2.0.0") as instance:
        yield instance


@pytest.fixture
def greeting(broker):
    """The tutorial's service, as the shell's `n.rpc` gives it."""
    with ClusterRpcProxy({"AMQP_URI": broker}, timeout=PATIENCE) as rpc:
        yield rpc[TutorialService.name]


@pytest.fixture
def all_take_calls(broker, await_condition):
    """Waits until exactly the instances given take calls."""

    def wait(*instances):
        with Connection(broker) as connection:
            await_condition(
                lambda: _consumers(connection) == len(instances), PATIENCE, f"{len(instances)} instances take calls"
            )

    return wait


def _consumers(connection):
    channel = connection.channel()
    try:
        return channel.queue_declare(f"rpc-{TutorialService.name}", passive=True).consumer_count
    except NotFound:
        return 0
    finally:
        channel.close()


def greet_at_once(greeting, calls):
    """Call the slow method as often, without waiting in between: the answers, and how many rounds they took."""
    begun = time.monotonic()
    replies = [greeting.slow_hello.call_async(name=f"caller {n}") for n in range(calls)]
    answers = [reply.result() for reply in replies]
    rounds = (time.monotonic() - begun) / SECONDS
    assert [answer["greeting"] for answer in answers] == [f"Hello, caller {n}!" for n in range(calls)]
    return answers, rounds


def test_five_calls_take_as_long_as_one(greeting, first, all_take_calls):
    all_take_calls(first)
    _, rounds = greet_at_once(greeting, 5)
    assert 1 <= rounds < 2


def test_twenty_calls_take_ten_workers_two_rounds(greeting, first, all_take_calls):
    all_take_calls(first)
    _, rounds = greet_at_once(greeting, 2 * WORKERS)
    assert 2 <= rounds < 3


def test_twenty_calls_take_two_instances_one_round(greeting, first, second, all_take_calls):
    all_take_calls(first, second)
    answers, rounds = greet_at_once(greeting, 2 * WORKERS)
    assert 1 <= rounds < 2
    assert Counter(answer["host"] for answer in answers) == {first.host: WORKERS, second.host: WORKERS}


def test_an_instance_killed_in_the_middle_loses_no_call(greeting, first, second, all_take_calls, await_condition):
    all_take_calls(first, second)
    replies = {name: greeting.slow_hello.call_async(name=name) for name in (f"survivor {n}" for n in range(WORKERS))}

    def begun():
        return [line.removeprefix("begun ") for line in second.log() if line.startswith("begun survivor")]

    await_condition(begun, PATIENCE, f"{second.host} works on a call")
    second.kill()
    answers = {name: reply.result() for name, reply in replies.items()}

    assert [answers[name]["greeting"] for name in replies] == [f"Hello, {name}!" for name in replies]
    assert [name for name in begun() if answers[name]["host"] == first.host], "the killed one had finished them all"


def test_two_versions_side_by_side_both_answer(greeting, first, second, all_take_calls):
    all_take_calls(first, second)
    replies = [greeting.hello.call_async(name="world") for _ in range(WORKERS)]
    versions = {reply.result()["version"] for reply in replies}
    assert versions == {"1.0.0", "2.0.0"}
