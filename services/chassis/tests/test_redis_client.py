"""The client that a service's greenlets share one connection with."""

import signal

import eventlet
import pytest
from chassis.errors import NotEnoughReplicas, Unavailable
from chassis.redis import redis_errors, run_acknowledged
from chassis.redis.client import OWN_CONNECTION
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import DataError, ResponseError

LARGE = 16 * 2**20  # bytes; more than the kernel takes for a process that does not read
MANY = 30
WAIT = 10  # seconds
SET = "return redis.call('SET', KEYS[1], ARGV[1])"


@pytest.fixture
def client(primary):
    # A timeout that no test waits for: whoever is forgotten is found by `at_once`.
    with primary.service_client(socket_timeout=10 * WAIT) as client:
        yield client


@pytest.fixture
def admin(primary):
    with primary.client() as admin:
        yield admin


def at_once(function, count=MANY):
    """Call `function(number)` in as many greenlets; return what each returned or raised."""

    def outcome(number):
        try:
            return function(number)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error

    greenlets = [eventlet.spawn(outcome, number) for number in range(count)]
    with eventlet.Timeout(WAIT):
        return [greenlet.wait() for greenlet in greenlets]


def calls(admin, command):
    return admin.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})["calls"]


def test_each_greenlet_gets_its_own_answer_over_one_connection(client, admin):
    before = len(admin.client_list())
    for number in range(MANY):
        admin.set(f"key:{number}", number)
    assert at_once(lambda number: client.get(f"key:{number}")) == [str(number) for number in range(MANY)]
    assert len(admin.client_list()) == before + 1


def test_answers_are_what_redis_py_makes_of_them(client):
    client.hset("hash", mapping={"a": "1"})
    client.zadd("set", {"one": 1})
    assert client.hgetall("hash") == {"a": "1"}
    assert client.zrange("set", 0, -1, withscores=True) in ([("one", 1.0)], [["one", 1.0]])
    assert client.expire("hash", 10) is True
    assert client.pipeline().get("hash:none").ping().execute() == [None, True]
    assert isinstance(client.dump("hash"), bytes)


def test_an_error_is_that_of_its_own_command(client):
    client.set("text", "x")

    def use(number):
        return client.incr("text") if number % 2 else client.get("text")

    outcomes = at_once(use)
    assert outcomes[::2] == ["x"] * (MANY // 2)
    assert all(isinstance(outcome, ResponseError) for outcome in outcomes[1::2])


def test_what_blocks_holds_nobody_up(client):
    waiting = eventlet.spawn(client.blpop, "list", 10)
    eventlet.sleep(0)
    assert client.ping()
    client.rpush("list", "there")
    assert waiting.wait() in (("list", "there"), ["list", "there"])


def test_every_command_that_blocks_or_changes_its_connection_has_one_of_its_own(admin):
    groups = ("blocking", "connection", "pubsub", "transaction")
    known = {name.upper() for group in groups for name in admin.acl_cat(group)}
    harmless = {"COMMAND", "ECHO", "PING", "PUBLISH", "PUBSUB", "SPUBLISH"}  # what is in these groups only by kinship
    assert {name.partition("|")[0] for name in known} - harmless <= OWN_CONNECTION


def test_a_greenlet_that_is_killed_leaves_the_answers_of_others_alone(client):
    client.set("key", "value")
    doomed = eventlet.spawn(client.get, "other")
    other = eventlet.spawn(client.get, "key")
    eventlet.sleep(0)
    doomed.kill()
    assert other.wait() == "value"
    assert client.get("key") == "value"


def test_writes_that_come_together_are_acknowledged_together(replica, client, admin):
    before = calls(admin, "wait")
    assert at_once(lambda number: run_acknowledged(client, SET, [f"key:{number}"], [number], 1)) == ["OK"] * MANY
    with replica.client() as other:
        assert [other.get(f"key:{number}") for number in range(MANY)] == [str(number) for number in range(MANY)]
    assert 1 <= calls(admin, "wait") - before < MANY


@pytest.mark.usefixtures("replica")
def test_of_writes_that_come_together_each_has_its_own_outcome(client):
    def write(number):
        script, replicas = [(SET, 1), ("return redis.call('INCR', 'key:0')", 0), (SET, 2)][number % 3]
        return run_acknowledged(client, script, [f"key:{number}"], ["x"], replicas)

    assert write(0) == "OK"
    for good, bad, lonely in zip(*[iter(at_once(write, 9))] * 3, strict=True):
        assert good == "OK"
        assert isinstance(bad, ResponseError)
        assert isinstance(lonely, NotEnoughReplicas)


def test_what_cannot_be_sent_is_the_mistake_of_its_caller_alone(client):
    def write(number):
        return run_acknowledged(client, SET, [f"key:{number}"], ["x" if number % 2 else None], 0)

    outcomes = at_once(write)
    assert outcomes[1::2] == ["OK"] * (MANY // 2)
    assert all(isinstance(outcome, DataError) for outcome in outcomes[::2])
    with pytest.raises(DataError):
        client.mget("key:1", None)
    assert client.mget("key:1", "key:2") == ["x", None]


def test_a_value_that_is_no_text_spoils_no_later_answer(primary, client):
    with primary.client() as binary:
        binary.execute_command("SET", "binary", b"\xff\xfe")
    (outcome,) = at_once(lambda _number: client.get("binary"), 1)
    assert isinstance(outcome, RedisConnectionError)
    assert client.ping()


def test_everybody_is_told_when_redis_ends_and_served_when_it_is_back(primary, client):
    def use(_number):
        with redis_errors():
            return client.ping()

    assert use(0)
    primary.process.kill()
    primary.process.wait()
    assert all(isinstance(outcome, Unavailable) for outcome in at_once(use))
    primary.start()
    assert use(0)


def test_nobody_waits_for_ever_for_a_frozen_redis(primary):
    with primary.service_client(socket_timeout=0.2) as client:
        client.ping()

        def use(_number):
            with redis_errors():
                return client.ping()

        def store(_number):
            with redis_errors():
                return client.set("large", "x" * LARGE)

        primary.process.send_signal(signal.SIGSTOP)
        assert all(isinstance(outcome, Unavailable) for outcome in at_once(use))
        assert all(isinstance(outcome, Unavailable) for outcome in at_once(store, 2))
        primary.process.send_signal(signal.SIGCONT)
        assert use(0)
