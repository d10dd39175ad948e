"""What the catalogue means for RabbitMQ, Redis, HAProxy and the instances' configuration."""

import re

import pytest

from fleet import translate

SECRETS = {
    "rabbitmq": {"operator_password": "op"},
    "services": {
        name: {"rabbitmq_password": f"{name}-mq", "redis_password": f"{name}-redis", "API_KEY": "k"}
        for name in ("airports", "trips", "gateway")
    },
}
SERVICES = {
    "airports": {
        "release": "1.0.0",
        "instances": 1,
        "workers": 10,
        "port": 8140,
        "call_timeout": 10,
        "log_level": "INFO",
        "redis": {"write": ["airport:*"], "read": ["airport-trips:*"]},
        "settings": {"GREETING": "hi"},
        "secrets": ["API_KEY"],
    },
    "gateway": {
        "release": "1.0.0",
        "instances": 1,
        "workers": 50,
        "port": 8100,
        "call_timeout": 10,
        "log_level": "INFO",
        "http": {"port": 8000},
        "settings": {},
        "secrets": [],
    },
}


def permissions(service):
    return next(user for user in translate.rabbitmq_users(SERVICES, SECRETS) if user["name"] == service)


@pytest.mark.parametrize(
    "queue", ["rpc-airports_service", "rpc-airports_service.create", "rpc.reply-airports_service-4f", "nameko-rpc"]
)
def test_a_service_may_use_its_own_names(queue):
    user = permissions("airports")
    assert all(re.search(user[kind], queue) for kind in ("configure", "write", "read"))


@pytest.mark.parametrize("queue", ["rpc-trips_service", "rpc-airports_service2", "rpc.reply-trips_service-1", "other"])
def test_a_service_may_not_touch_the_queues_of_another(queue):
    user = permissions("airports")
    assert not any(re.search(user[kind], queue) for kind in ("configure", "write", "read"))


def test_redis_users_have_the_key_patterns_of_the_catalogue():
    assert translate.redis_users(SERVICES, SECRETS) == [
        {"name": "airports", "password": "airports-redis", "write": ["airport:*"], "read": ["airport-trips:*"]}
    ]


def test_the_balancer_knows_both_slots_on_every_host():
    (gateway,) = translate.http_services(SERVICES, {"app1": "10.0.0.1", "app2": "10.0.0.2"})
    assert [(one["name"], one["address"], one["port"]) for one in gateway["servers"]] == [
        ("app1-a1", "10.0.0.1", 8100),
        ("app1-b1", "10.0.0.1", 8110),
        ("app2-a1", "10.0.0.2", 8100),
        ("app2-b1", "10.0.0.2", 8110),
    ]


def test_a_service_gets_its_settings_and_secrets():
    config = translate.service_config("airports", SERVICES["airports"], SECRETS, redis_replicas=1)
    assert config["AMQP_URI"] == "amqp://airports:airports-mq@127.0.0.1:5672/"
    assert config["REDIS_URIS"] == {"redis": "redis://airports:airports-redis@127.0.0.1:6379/0"}
    assert (config["GREETING"], config["API_KEY"], config["REDIS_REPLICAS"]) == ("hi", "k", 1)


def test_a_service_without_redis_has_no_redis_settings():
    assert "REDIS_URIS" not in translate.service_config("gateway", SERVICES["gateway"], SECRETS, redis_replicas=1)


@pytest.fixture
def releases_dir(tmp_path):
    for release in ("airports-1.0.0", "airports-1.0.1", "gateway-1.0.0"):
        (tmp_path / release).mkdir()
        (tmp_path / release / "manifest.json").write_text(release)
    return str(tmp_path)


@pytest.mark.parametrize("change", [{"release": "1.0.1"}, {"workers": 11}, {"settings": {"GREETING": "hello"}}])
def test_whatever_an_instance_runs_with_makes_another_revision(change, releases_dir):
    def revision(services):
        return translate.desired_services(services, SECRETS, 1, releases_dir)["airports"]["revision"]

    assert revision(SERVICES) == revision(dict(SERVICES))
    assert revision(SERVICES) != revision({"airports": SERVICES["airports"] | change})


def test_the_number_of_instances_is_no_part_of_the_revision(releases_dir):
    more = {"airports": SERVICES["airports"] | {"instances": 5}}
    one, other = (
        translate.desired_services(services, SECRETS, 1, releases_dir)["airports"] for services in (SERVICES, more)
    )
    assert one["revision"] == other["revision"]
