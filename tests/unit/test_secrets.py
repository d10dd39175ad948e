"""Generating the passwords of a fleet, and never changing one."""

import pytest
import yaml

from fleet import secrets
from fleet.errors import FleetError

SERVICES = {
    "greeting": {"redis": None, "secrets": []},
    "airports": {"redis": {"write": ["a:*"]}, "secrets": ["API_KEY"]},
}
NAMES = {
    "secrets.rabbitmq.erlang_cookie",
    "secrets.rabbitmq.operator_password",
    "secrets.redis.admin_password",
    "secrets.redis.monitor_password",
    "secrets.redis.replication_password",
    "secrets.redis.sentinel_password",
    "secrets.services.greeting.rabbitmq_password",
    "secrets.services.airports.rabbitmq_password",
    "secrets.services.airports.redis_password",
    "secrets.services.airports.API_KEY",
}


def values(tree):
    return [leaf for value in tree.values() for leaf in (values(value) if isinstance(value, dict) else [value])]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "group_vars" / "lab" / "secrets.yml"


def test_a_new_file_has_every_secret_for_its_owner_alone(path):
    assert set(secrets.fill(path, SERVICES)) == NAMES

    content = yaml.safe_load(path.read_text())
    assert secrets.missing(SERVICES, content["secrets"]) == []
    assert secrets.unusable(SERVICES, content["secrets"]) == []
    assert len(set(values(content))) == len(NAMES)
    assert all(len(value) >= 32 and value.isalnum() for value in values(content))
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_complete_file_is_left_alone(path):
    secrets.fill(path, SERVICES)
    path.write_text(path.read_text() + "# a note\n")
    before = path.stat()

    assert secrets.fill(path, SERVICES) == []

    assert path.stat() == before
    assert path.read_text().endswith("# a note\n")


def test_a_new_service_gets_its_own_and_the_others_keep_theirs(path):
    secrets.fill(path, {"greeting": SERVICES["greeting"]})
    before = yaml.safe_load(path.read_text())["secrets"]

    assert set(secrets.fill(path, SERVICES)) == {name for name in NAMES if "airports" in name}

    after = yaml.safe_load(path.read_text())["secrets"]
    assert {**after, "services": {"greeting": after["services"]["greeting"]}} == before


def test_an_empty_section_is_filled(path):
    path.parent.mkdir(parents=True)
    path.write_text("secrets:\n  redis:\n  services: {}\n")

    assert set(secrets.fill(path, SERVICES)) == NAMES


@pytest.mark.parametrize(
    "text",
    [
        "$ANSIBLE_VAULT;1.1;AES256\n3162\n",
        "secrets:\n  redis:\n    admin_password: !vault |\n      $ANSIBLE_VAULT;1.1;AES256\n",
    ],
)
def test_an_encrypted_file_stays_as_it_is_and_the_operator_learns_how_to_edit_it(path, text):
    path.parent.mkdir(parents=True)
    path.write_text(text)

    with pytest.raises(FleetError) as refused:
        secrets.fill(path, SERVICES)

    assert path.read_text() == text
    assert f"`ansible-vault edit {path}`" in str(refused.value)
    assert "services.airports.API_KEY" in str(refused.value)


@pytest.mark.parametrize(
    "text", ["", "secrets: none\n", "a: [\n", "secrets: {redis: oops}\n", "secrets: {services: {airports: 1}}\n"]
)
def test_a_file_of_something_else_is_refused(path, text):
    path.parent.mkdir(parents=True)
    path.write_text(text)

    with pytest.raises(FleetError, match="is not what `make secrets` writes"):
        secrets.fill(path, SERVICES)

    assert path.read_text() == text


def test_missing_secrets_are_told_by_name():
    some = {
        "redis": {"admin_password": "", "monitor_password": "x"},
        "services": {"greeting": {"rabbitmq_password": "y"}},
    }

    assert set(secrets.missing(SERVICES, some)) == NAMES - {
        "secrets.redis.monitor_password",
        "secrets.services.greeting.rabbitmq_password",
    }


def test_only_the_services_own_secrets_may_have_any_form():
    some = {
        "redis": {"admin_password": "two words", "monitor_password": 5},
        "services": {"airports": {"API_KEY": {"any": "thing"}, "redis_password": 'quo"te'}},
    }

    assert secrets.unusable(SERVICES, some) == [
        "secrets.redis.admin_password",
        "secrets.redis.monitor_password",
        "secrets.services.airports.redis_password",
    ]
