"""What the catalogue means for RabbitMQ, Redis, HAProxy and the instances' configuration."""

import re
from datetime import date

import pytest
import yaml
from nameko.constants import HEARTBEAT_CONFIG_KEY

from fleet import paths, translate

SECRETS = {
    "rabbitmq": {"operator_password": "op", "erlang_cookie": "crumbs"},
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


def test_the_heartbeat_is_a_setting_that_nameko_reads():
    config = translate.service_config("gateway", SERVICES["gateway"], SECRETS, redis_replicas=1)
    assert config[HEARTBEAT_CONFIG_KEY] == 10
    assert yaml.safe_load((paths.SERVICES / "dev.yml").read_text())[HEARTBEAT_CONFIG_KEY] == 10


def test_a_balancer_waits_longer_than_the_longest_call_of_what_it_publishes():
    slow = {**SERVICES["airports"], "http": None, "call_timeout": 60}
    published = {"a": {"http": {"port": 1}, "call_timeout": 20}, "b": {"http": {"port": 2}, "call_timeout": 30}}
    assert translate.http_timeout({**published, "slow": slow}) == 32
    assert translate.http_timeout({"slow": slow}) > 0


def test_a_service_without_redis_has_no_redis_settings():
    assert "REDIS_URIS" not in translate.service_config("gateway", SERVICES["gateway"], SECRETS, redis_replicas=1)


@pytest.fixture
def releases_dir(tmp_path):
    for release in ("airports-1.0.0", "airports-1.0.1", "gateway-1.0.0"):
        (tmp_path / release).mkdir()
        (tmp_path / release / "manifest.json").write_text(release)
    return str(tmp_path)


def desired(services, releases_dir, address="10.0.0.1", program="command=nameko"):
    return translate.desired_services(services, SECRETS, 1, releases_dir, address, program)["airports"]


@pytest.mark.parametrize(
    "change",
    [
        {"release": "1.0.1"},
        {"workers": 11},
        {"settings": {"GREETING": "hello"}},
        {"settings": {"DAY": date(2026, 1, 1)}},
    ],
)
def test_whatever_an_instance_runs_with_makes_another_revision(change, releases_dir):
    changed = {"airports": SERVICES["airports"] | change}

    assert desired(SERVICES, releases_dir)["revision"] == desired(dict(SERVICES), releases_dir)["revision"]
    assert desired(SERVICES, releases_dir)["revision"] != desired(changed, releases_dir)["revision"]


def test_a_secret_is_apart_from_the_rest_and_makes_another_revision_and_digest(releases_dir, monkeypatch):
    before = desired(SERVICES, releases_dir)
    assert before["own_secrets"] == {"API_KEY": "k"}
    assert "API_KEY" not in before["config"]

    monkeypatch.setitem(SECRETS["services"]["airports"], "API_KEY", "another")
    after = desired(SERVICES, releases_dir)
    assert before["config"] == after["config"]
    assert before["revision"] != after["revision"]
    assert before["secrets_digest"] != after["secrets_digest"]


def test_another_password_of_the_platform_is_no_other_secret(releases_dir, monkeypatch):
    before = desired(SERVICES, releases_dir)["secrets_digest"]
    monkeypatch.setitem(SECRETS["services"]["airports"], "rabbitmq_password", "rotated")
    assert desired(SERVICES, releases_dir)["secrets_digest"] == before


def test_a_secret_that_is_no_more_leaves_a_former_entry_readable(releases_dir, monkeypatch):
    before = desired(SERVICES, releases_dir)["secrets_digest"]
    monkeypatch.delitem(SECRETS["services"]["airports"], "API_KEY")
    assert desired(SERVICES, releases_dir)["secrets_digest"] != before


def test_without_secrets_of_its_own_a_service_has_no_digest(releases_dir):
    plain = {"airports": SERVICES["airports"] | {"secrets": []}}
    assert desired(plain, releases_dir)["secrets_digest"] == ""


def test_so_does_the_way_in_which_supervisor_runs_it(releases_dir):
    changed = desired(SERVICES, releases_dir, program="command=nameko\nuser=nobody")
    assert desired(SERVICES, releases_dir)["revision"] != changed["revision"]


def test_a_revision_is_the_same_on_every_host(releases_dir):
    elsewhere = desired(SERVICES, releases_dir, address="10.0.0.2")
    assert desired(SERVICES, releases_dir)["revision"] == elsewhere["revision"]
    assert elsewhere["address"] == "10.0.0.2"


def test_the_number_of_instances_is_no_part_of_the_revision(releases_dir):
    more = {"airports": SERVICES["airports"] | {"instances": 5}}
    assert desired(SERVICES, releases_dir)["revision"] == desired(more, releases_dir)["revision"]
