"""HAProxy's configuration on an app host."""

from tests.templates.shapes import SINGLE, SPLIT, lines


def local(render, **nodes):
    return lines(render("haproxy/local.cfg.j2", "app1", haproxy_redis_monitor_password="pw", **nodes))


def test_services_reach_broker_and_primary_on_the_loopback_alone(render):
    for core in (SPLIT["core"], SINGLE["core"]):
        text = local(render, haproxy_amqp_nodes=core, haproxy_redis_nodes=core)
        assert [line for line in text if line.startswith("bind ")] == ["bind 127.0.0.1:5672", "bind 127.0.0.1:6379"]
        assert [line for line in text if line.startswith("server ")] == [
            f"server {host} {address}:{port} check" for port in (5672, 6379) for host, address in core.items()
        ]


def test_a_fleet_without_redis_has_no_way_to_it(render):
    text = local(render, haproxy_amqp_nodes=SPLIT["core"])
    assert not any("6379" in line for line in text)
    assert "listen amqp" in text


def test_a_replica_is_told_from_the_primary_at_once(render):
    """Without a minimum HAProxy waits for its timeout whether `master` comes after all."""
    assert "tcp-check expect min-recv 13 string master" in local(render, haproxy_redis_nodes=SPLIT["core"])
