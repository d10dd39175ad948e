"""RabbitMQ's configuration and definitions."""

import json

import pytest

from fleet import catalogue, translate
from tests.templates.shapes import INTERNAL, SINGLE, SPLIT, lines


@pytest.mark.parametrize(("nodes", "host"), [(SPLIT, "core2"), (SINGLE, "solo")])
def test_the_broker_listens_on_its_own_address_alone(render, nodes, host):
    text = lines(render("rabbitmq/rabbitmq.conf.j2", host, rabbitmq_nodes=nodes["core"]))
    assert f"listeners.tcp.1 = {nodes['core'][host]}:5672" in text
    assert f"distribution.listener.interface = {nodes['core'][host]}" in text
    assert {line.rpartition("= ")[2] for line in text if "port_range" in line} == {"25672"}


def test_queues_are_quorum_queues_and_there_is_never_a_guest(render):
    text = lines(render("rabbitmq/rabbitmq.conf.j2", "core1", rabbitmq_nodes=SPLIT["core"]))
    assert "default_queue_type = quorum" in text
    assert "load_definitions = /etc/rabbitmq/definitions.json" in text


def test_nodes_with_domain_names_use_long_names(render):
    assert "USE_LONGNAME=true" in lines(render("rabbitmq/rabbitmq-env.conf.j2", "core1.example.org"))
    assert "USE_LONGNAME=true" not in lines(render("rabbitmq/rabbitmq-env.conf.j2", "core1"))


def test_the_definitions_hold_a_hash_for_each_user_and_no_password(render):
    secrets = {"rabbitmq": {"operator_password": "secret-o"}, "services": {"mail": {"rabbitmq_password": "secret-m"}}}
    users = translate.rabbitmq_users(catalogue.complete(INTERNAL), secrets)
    text = render("rabbitmq/definitions.json.j2", "core1", rabbitmq_users=users, rabbitmq_erlang_cookie="secret-c")
    assert "secret" not in text
    definitions = json.loads(text)
    assert [user["name"] for user in definitions["users"]] == ["mail", "operator"]
    assert {one["user"]: one["vhost"] for one in definitions["permissions"]} == {"mail": "/", "operator": "/"}
