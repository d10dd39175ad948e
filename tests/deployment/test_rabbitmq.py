"""What is in force on the running RabbitMQ nodes, whatever their files say."""

import json
import re
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import amqp
import pytest

from fleet import tunnel

pytestmark = pytest.mark.lab

# One expression, for each call of rabbitmqctl starts a virtual machine.
FACTS = """
io:format("~ts~n", [rabbit_json:encode(#{
    members => rabbit_nodes:list_members(),
    running => rabbit_nodes:list_running(),
    khepri => rabbit_khepri:is_enabled(),
    tick_time => net_kernel:get_net_ticktime(),
    failure_detector => maps:from_list(application:get_all_env(aten)),
    vhosts => [#{name => Name, queues => rabbit_vhost:default_queue_type(Name)} || Name <- rabbit_vhost:list_names()],
    users => [proplists:get_value(user, User) || User <- rabbit_auth_backend_internal:list_users()],
    queues => [
        #{name => element(4, proplists:get_value(name, Queue)), type => proplists:get_value(type, Queue),
          members => proplists:get_value(members, Queue),
          exclusive => proplists:get_value(owner_pid, Queue) =/= ''}
        || Queue <- rabbit_amqqueue:info_all(<<"/">>, [name, type, members, owner_pid])]
})]).
"""


@pytest.fixture(scope="module")
def nodes(inventory, on_each):
    """Core host to what its node says of itself and of its cluster."""
    found = on_each(inventory.groups["core"], 'rabbitmqctl --quiet eval "$(cat)" | head -n 1', FACTS)
    return {host: json.loads(out) for host, out in found.items()}


def test_every_node_is_in_one_cluster_with_its_metadata_in_khepri(nodes):
    names = {f"rabbit@{host}" for host in nodes}
    for facts in nodes.values():
        assert set(facts["members"]) == set(facts["running"]) == names
        assert facts["khepri"] is True


def test_a_silent_node_is_found_out_within_seconds(nodes):
    for facts in nodes.values():
        assert facts["tick_time"] == 4
        assert facts["failure_detector"].items() >= {"poll_interval": 500, "heartbeat_interval": 100}.items()


def test_queues_survive_the_loss_of_a_node(nodes):
    for facts in nodes.values():
        assert facts["vhosts"] == [{"name": "/", "queues": "quorum"}]
        # Replies come to exclusive queues, which end with their connection: their calls are sent again on the next. An
        # instance's smoke calls have such a queue too, which bears its id.
        lasting = [queue for queue in facts["queues"] if not queue["exclusive"]]
        assert lasting
        for queue in lasting:
            assert (queue["type"], set(queue["members"])) == ("quorum", set(facts["members"])), queue["name"]
        for queue in facts["queues"]:
            assert not queue["exclusive"] or queue["name"].startswith("rpc.reply-") or "@app" in queue["name"]


def test_each_service_has_its_queue_of_calls(inventory, nodes):
    services = set(inventory.variable("services", "core")) - {"gateway"}  # which is called by HTTP alone
    for facts in nodes.values():
        assert {queue["name"] for queue in facts["queues"]} >= {f"rpc-{service}_service" for service in services}


def test_there_is_a_user_for_each_service_and_the_operator_and_no_guest(inventory, nodes):
    for facts in nodes.values():
        assert set(facts["users"]) == {*inventory.variable("services", "core"), "operator"}


# What a user may do


@pytest.fixture(scope="module")
def broker(inventory):
    """Where a broker of the fleet answers on this machine, as host:port."""
    with tunnel.amqp(inventory) as uri:
        where = urlsplit(uri)
        yield f"{where.hostname}:{where.port}"


@pytest.fixture(scope="module")
def channel_of(broker, passwords):
    """`with channel_of(user)` gives a channel of that user, which it closes together with its connection."""

    @contextmanager
    def open_channel(user):
        known = passwords["services"].get(user)
        password = known["rabbitmq_password"] if known else passwords["rabbitmq"]["operator_password"]
        connection = amqp.Connection(host=broker, userid=user, password=password, read_timeout=20)
        connection.connect()
        with closing(connection):
            yield connection.channel()

    return open_channel


@pytest.mark.parametrize("user", ["guest", "airports", "nobody"])
def test_a_wrong_password_opens_nothing(broker, user):
    connection = amqp.Connection(host=broker, userid=user, password="guest", read_timeout=20)
    with pytest.raises(amqp.AccessRefused):
        connection.connect()
    connection.collect()


def test_a_service_may_use_its_own_queue(channel_of):
    with channel_of("airports") as channel:
        # Declared as it is, nothing changes.
        declared = channel.queue_declare("rpc-airports_service", durable=True, auto_delete=False)
        assert declared.queue == "rpc-airports_service"
        channel.queue_bind("rpc-airports_service", "nameko-rpc", "airports_service.*")


ON_THE_QUEUE_OF_TRIPS = {
    "declare": lambda channel: channel.queue_declare("rpc-trips_service", durable=True, auto_delete=False),
    "consume": lambda channel: channel.basic_consume("rpc-trips_service"),
    "get": lambda channel: channel.basic_get("rpc-trips_service"),
    "purge": lambda channel: channel.queue_purge("rpc-trips_service"),
    # Should it ever be allowed, the queue is in use.
    "delete": lambda channel: channel.queue_delete("rpc-trips_service", if_unused=True),
    "bind": lambda channel: channel.queue_bind("rpc-trips_service", "nameko-rpc", "stolen"),
    "unbind": lambda channel: channel.queue_unbind("rpc-trips_service", "nameko-rpc", "stolen"),
    "publish past the exchange": lambda channel: publish(channel, "", "rpc-trips_service"),
}


def publish(channel, exchange, routing_key):
    """Publish a message that no service would understand, and hear what the broker says to it."""
    channel.confirm_select()
    channel.basic_publish(amqp.Message("{}"), exchange, routing_key)
    channel.wait(amqp.spec.Basic.Ack)


@pytest.mark.parametrize("user", ["airports", "operator"])
@pytest.mark.parametrize("deed", ON_THE_QUEUE_OF_TRIPS)
def test_the_queue_of_another_service_is_out_of_reach(channel_of, user, deed):
    with channel_of(user) as channel, pytest.raises(amqp.AccessRefused):
        ON_THE_QUEUE_OF_TRIPS[deed](channel)


@pytest.mark.parametrize(
    "name",
    [
        "anything",
        "rpc-airports_service2",
        "rpc-trips_service.airports_service",
        "rpc.reply-trips_service-0",
        "evt-trips_service-made--trips_service.handle",
    ],
)
def test_a_service_declares_no_queue_under_a_foreign_name(channel_of, name):
    with channel_of("airports") as channel, pytest.raises(amqp.AccessRefused):
        channel.queue_declare(name, exclusive=True)


@pytest.mark.parametrize("exchange", ["amq.direct", "amq.topic", "amq.fanout"])
def test_a_service_publishes_to_no_exchange_but_its_own_and_the_shared(channel_of, exchange):
    with channel_of("airports") as channel, pytest.raises(amqp.AccessRefused):
        publish(channel, exchange, "x")


def test_a_replica_that_does_not_run_is_named_and_starts_with_its_node(on, playbook, await_condition):
    queue = "{'%2F_rpc-greeting_service', node()}"
    on("core3", f"""rabbitmqctl --silent eval "ra:stop_server(quorum_queues, {queue})." """)
    try:
        run = playbook("status.yml")
    finally:
        started = on("core3", "systemctl show --value --property ExecStartPost rabbitmq-server")
        on("core3", re.search(r"path=(\S+)", started)[1])  # what systemd does after each start of the node
    assert "RabbitMQ on core3 runs no replica of rpc-greeting_service: consumers there get nothing." in run.text
    state = f"""rabbitmqctl --silent eval "maps:get(state, ra:key_metrics({queue}))." """
    await_condition(lambda: on("core3", state).strip() in ("follower", "leader"), 30, "the replica is back")


LEADERS = (
    "[binary_to_list(atom_to_binary(element(2, amqqueue:get_pid(Queue)))) || Queue <- rabbit_amqqueue:list(), "
    "amqqueue:get_type(Queue) == rabbit_quorum_queue]."
)


@pytest.mark.parametrize("host", ["core2", "core1"])
def test_a_node_can_be_made_to_lead_every_queue(host, on, await_condition):
    on(host, "/usr/local/sbin/rabbitmq-lead-queues")

    def leads():
        found = re.findall(r"rabbit@\w+", on(host, f"rabbitmqctl --silent eval '{LEADERS}'"))
        return len(found) > 2 and set(found) == {f"rabbit@{host}"}

    await_condition(leads, 30, f"{host} leads every queue")
