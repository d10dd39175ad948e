"""A write is acknowledged by replicas, or refused: on real servers, of which some are broken on purpose."""

import signal
import time

import pytest
from chassis.errors import NotEnoughReplicas, Unavailable
from chassis.redis import OPTIONS, redis_errors, run_acknowledged

SCRIPT = "redis.call('SET', KEYS[1], ARGV[1]); return 'written'"


def write(server, replicas):
    with server.service_client() as client:
        return run_acknowledged(client, SCRIPT, ["key"], ["value"], replicas)


def test_without_replicas_asked_for_the_primary_is_enough(primary):
    assert write(primary, 0) == "written"


def test_a_write_is_on_the_replica_when_it_returns(primary, replica):
    assert write(primary, 1) == "written"
    with replica.client() as client:
        assert client.get("key") == "value"


@pytest.mark.usefixtures("replica")
def test_too_few_replicas_are_an_error(primary):
    with pytest.raises(NotEnoughReplicas, match="1 of 2"):
        write(primary, 2)


def test_a_frozen_replica_is_an_error_in_bounded_time(primary, replica):
    assert write(primary, 1) == "written"
    replica.process.send_signal(signal.SIGSTOP)
    started = time.monotonic()
    with pytest.raises(NotEnoughReplicas, match="0 of 1"):
        write(primary, 1)
    assert time.monotonic() - started < OPTIONS["socket_timeout"]


def test_a_primary_that_takes_no_writes_without_replicas_is_an_error(primary):
    with primary.client() as client:
        client.config_set("min-replicas-to-write", 1)
    with pytest.raises(NotEnoughReplicas):
        write(primary, 1)


def test_a_replica_is_unavailable_for_writes(replica):
    with pytest.raises(Unavailable):
        write(replica, 0)


def test_a_full_memory_is_unavailable(primary):
    with primary.client() as client:
        client.config_set("maxmemory", 1)
    with pytest.raises(Unavailable):
        write(primary, 0)


def test_no_redis_is_unavailable_and_what_was_pooled_is_used_again_after_it_is_back(primary):
    with primary.service_client() as client:
        assert run_acknowledged(client, SCRIPT, ["key"], ["value"], 0) == "written"
        primary.process.kill()
        primary.process.wait()
        with pytest.raises(Unavailable):
            run_acknowledged(client, SCRIPT, ["key"], ["value"], 0)
        primary.start()
        assert run_acknowledged(client, SCRIPT, ["key"], ["value"], 0) == "written"


def test_a_frozen_redis_is_unavailable_in_bounded_time(primary):
    with primary.service_client(socket_timeout=0.2) as client:
        client.ping()
        primary.process.send_signal(signal.SIGSTOP)
        with pytest.raises(Unavailable), redis_errors():
            client.get("key")


def test_a_mistake_in_a_script_is_not_hidden(primary):
    with primary.service_client() as client, pytest.raises(Exception, match="Unknown Redis command"):
        run_acknowledged(client, "redis.call('NONSENSE')", [], [], 0)
