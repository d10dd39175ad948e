"""The first configuration of Redis and Sentinel, and the users."""

import re

import pytest

from fleet import catalogue, translate
from tests.templates.shapes import INTERNAL, SINGLE, SPLIT, STORING, lines


def redis(render, template, host, nodes, primary, **arguments):
    passwords = {f"redis_{name}_password": f"secret-{name}" for name in ("admin", "replication", "monitor", "sentinel")}
    known = {"redis_nodes": nodes["core"], "__redis_primary": {"address": primary}}
    return lines(render(f"redis/{template}", host, **known, **passwords, **arguments))


def test_a_redis_starts_as_replica_unless_it_is_the_primary(render):
    replica = redis(render, "redis.conf.j2", "core2", SPLIT, "10.0.0.13")
    assert "replicaof 10.0.0.13 6379" in replica
    assert "bind 10.0.0.12" in replica
    assert not any(line.startswith("replicaof") for line in redis(render, "redis.conf.j2", "core3", SPLIT, "10.0.0.13"))


@pytest.mark.parametrize(("nodes", "host", "replicas"), [(SPLIT, "core1", 1), (SINGLE, "solo", 0)])
def test_a_write_waits_for_the_disk_and_for_as_many_replicas_as_there_can_be(render, nodes, host, replicas):
    text = redis(render, "redis.conf.j2", host, nodes, nodes["core"][host], redis_replicas_required=replicas)
    assert 'appendfsync "always"' in text
    assert f'min-replicas-to-write "{replicas}"' in text


def test_sentinels_listen_on_their_own_address_and_agree_by_majority(render):
    text = redis(render, "sentinel.conf.j2", "core2", SPLIT, "10.0.0.11", redis_sentinel_quorum=2)
    assert "bind 10.0.0.12" in text
    assert "sentinel monitor fleet 10.0.0.11 6379 2" in text


def acl(render, services):
    secrets = {"services": {name: {"redis_password": f"secret-{name}"} for name in services}}
    users = translate.redis_users(catalogue.complete(services), secrets)
    return redis(render, "users.acl.j2", "core1", SPLIT, "10.0.0.11", redis_users=users)


def test_only_services_with_redis_have_a_user_there_with_their_keys(render):
    text = acl(render, {**INTERNAL, **STORING})
    assert not any(line.startswith("user mail ") for line in text)
    [stock] = [line.split() for line in text if line.startswith("user stock ")]
    assert [rule for rule in stock if rule.startswith(("~", "%"))] == ["~stock:*", "%R~shop:*", "%R~mail:*"]
    assert {"-@admin", "-@dangerous", "resetchannels"} <= set(stock)


def test_nobody_comes_in_without_a_password_and_none_is_written_down(render):
    text = acl(render, STORING)
    assert "user default off sanitize-payload ~* &* +@all" in text
    assert "nopass" not in " ".join(text)
    assert "secret" not in " ".join(text)
    assert all(re.search(r" #[0-9a-f]{64} ", line) for line in text if not line.startswith("user default "))


def test_a_service_without_keys_may_touch_none(render):
    text = acl(render, {"stock": {**STORING["stock"], "redis": {}}})
    [stock] = [line.split() for line in text if line.startswith("user stock ")]
    assert not any(rule.startswith(("~", "%", "allkeys")) for rule in stock)
