"""What is in force on the running Redis servers and Sentinels, whatever their files say."""

import subprocess
from contextlib import ExitStack

import pytest
import redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError
from redis.retry import Retry

from fleet import tunnel

pytestmark = pytest.mark.lab

REDIS, SENTINEL = 6379, 26379
# A refusal is an answer: asking again would only take time.
OPTIONS = {"socket_timeout": 10, "protocol": 2, "driver_info": None, "retry": Retry(NoBackoff(), 0)}


@pytest.fixture(scope="module")
def sockets(inventory, tmp_path_factory, await_condition):
    """(host, port) of each Redis and Sentinel to the local socket that leads there, through SSH to its host."""
    folder = tmp_path_factory.mktemp("redis")
    where = {(host, port): folder / f"{host}-{port}" for host in inventory.groups["core"] for port in (REDIS, SENTINEL)}
    with ExitStack() as stack:
        for host in inventory.groups["core"]:
            address = inventory.hostvars[host]["ansible_host"]
            forwards = [f"-L{where[host, port]}:{address}:{port}" for port in (REDIS, SENTINEL)]
            ssh, *rest = tunnel.ssh_command(host, inventory.hostvars[host])
            # `cat` ends with its input, and so with this process however that ends.
            command = [ssh, "-o", "ControlPath=none", "-o", "ExitOnForwardFailure=yes", *forwards, *rest, "cat"]
            process = stack.enter_context(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL))
            stack.callback(process.terminate)
        for (host, port), path in where.items():
            await_condition(path.is_socket, 10, f"a way to {host}:{port}")
        yield where


@pytest.fixture(scope="module")
def client(sockets, passwords):
    """`client(host, user)` connects to a host's Redis as that user, `client(host, None, SENTINEL)` to its Sentinel."""
    known = {
        "admin": passwords["redis"]["admin_password"],
        "monitor": passwords["redis"]["monitor_password"],
        "replica": passwords["redis"]["replication_password"],
        "sentinel": passwords["redis"]["replication_password"],
        None: passwords["redis"]["sentinel_password"],
        **{
            service: known["redis_password"]
            for service, known in passwords["services"].items()
            if "redis_password" in known
        },
    }
    with ExitStack() as stack:

        def connect(host, user, port=REDIS):
            path = str(sockets[host, port])
            account = {"username": user, "password": known[user], "decode_responses": True}
            made = redis.Redis(unix_socket_path=path, **account, **OPTIONS)
            return stack.enter_context(made)

        yield connect


@pytest.fixture(scope="module")
def roles(inventory, client):
    """Core host to what its Redis says of replication."""
    return {host: client(host, "admin").info("replication") for host in inventory.groups["core"]}


@pytest.fixture(scope="module")
def primary(roles):
    """The host of the one primary."""
    [host] = [host for host, role in roles.items() if role["role"] == "master"]
    return host


def test_one_primary_has_all_others_as_replicas(inventory, roles, primary):
    replicas = set(roles) - {primary}
    for host in replicas:
        assert roles[host]["master_host"] == inventory.hostvars[primary]["ansible_host"]
        assert roles[host]["master_link_status"] == "up"
    connected = [roles[primary][f"slave{number}"] for number in range(roles[primary]["connected_slaves"])]
    assert {one["ip"] for one in connected} == {inventory.hostvars[host]["ansible_host"] for host in replicas}
    assert {one["state"] for one in connected} == {"online"}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("appendonly", "yes"),
        ("appendfsync", "always"),
        ("min-replicas-to-write", "1"),
        ("min-replicas-max-lag", "3"),
        ("maxmemory-policy", "noeviction"),
    ],
)
def test_writes_are_safe_whichever_host_becomes_primary(inventory, client, on_each, setting, value):
    hosts = inventory.groups["core"]
    for host in hosts:
        assert client(host, "admin").config_get(setting) == {setting: value}
    # And after a restart.
    written = on_each(hosts, f"grep '^{setting} ' /etc/redis/redis.conf")
    assert {line.replace('"', "") for line in written.values()} == {f"{setting} {value}\n"}


def test_a_sentinel_on_each_core_host_knows_the_same_primary(inventory, client, primary):
    hosts = inventory.groups["core"]
    for host in hosts:
        sentinel = client(host, None, SENTINEL)
        state = sentinel.sentinel_master("fleet")
        assert state["ip"] == inventory.hostvars[primary]["ansible_host"]
        assert state["quorum"] == 2
        assert state["num-other-sentinels"] == state["num-slaves"] == len(hosts) - 1
        assert state["down-after-milliseconds"] == 2000
        assert sentinel.execute_command("SENTINEL", "CKQUORUM", "fleet").startswith("OK 3 usable Sentinels")


# Users


@pytest.mark.parametrize("port", [REDIS, SENTINEL])
@pytest.mark.parametrize("command", ["PING", "INFO", "CLIENT LIST"])
def test_nothing_is_answered_without_a_password(inventory, sockets, port, command):
    for host in inventory.groups["core"]:
        nobody = redis.Redis(unix_socket_path=str(sockets[host, port]), **OPTIONS)
        with nobody, pytest.raises(AuthenticationError):
            nobody.execute_command(*command.split())


def test_users_are_those_of_the_platform_and_of_services_with_redis(inventory, client):
    services = inventory.variable("services", "core")
    own = {service for service, entry in services.items() if entry.get("redis")}
    for host in inventory.groups["core"]:
        admin = client(host, "admin")
        assert set(admin.acl_users()) == {"admin", "default", "monitor", "replica", "sentinel", *own}
        default = admin.acl_getuser("default")
        assert "off" in default["flags"]
        assert default["passwords"] == []


def test_a_service_uses_its_keys_and_reads_what_it_was_given(client, primary):
    airports = client(primary, "airports")
    assert airports.get("airport:nobody") is None
    assert airports.exists("airport-trips:nobody") == 0
    assert airports.info("replication")["role"] == "master"


@pytest.mark.parametrize(
    "command",
    [
        "GET trip:nobody",
        "SET airport-trips:nobody x",
        "SET trip:nobody x",
        "DEL trips:index",
        "EVAL return(redis.call('GET','trip:nobody')) 0",
        "EVAL return(redis.call('DEL','airport-trips:nobody')) 0",
        "KEYS *",
        "CONFIG GET requirepass",
        "ACL LIST",
        "CLIENT LIST",
        "PUBLISH anything x",
        "SUBSCRIBE anything",
    ],
)
def test_a_service_is_kept_from_everything_else(client, primary, command):
    with pytest.raises(redis.ResponseError, match=r"(?i)permission"):
        client(primary, "airports").execute_command(*command.split())


# What would do harm were it allowed is only asked about.
HARMFUL = ["FLUSHALL", "FLUSHDB", "SHUTDOWN", "DEBUG SLEEP 0", "REPLICAOF NO ONE", "FAILOVER", "SAVE", "MONITOR"]
HARMFUL += ["CONFIG SET maxmemory 1", "ACL SETUSER airports on", "CLIENT KILL TYPE normal", "SWAPDB 0 1"]


@pytest.mark.parametrize("user", ["airports", "trips", "monitor", "replica"])
@pytest.mark.parametrize("command", HARMFUL)
def test_nobody_but_the_admin_may_harm_the_server(inventory, client, user, command):
    for host in inventory.groups["core"]:
        verdict = client(host, "admin").acl_dryrun(user, *command.split())
        assert "no permissions" in verdict, (host, verdict)


@pytest.mark.parametrize("user", ["monitor", "replica"])
@pytest.mark.parametrize("command", ["GET airport:nobody", "INFO", "CONFIG GET *", "ACL WHOAMI"])
def test_the_platforms_own_users_read_no_data(client, primary, user, command):
    with pytest.raises(NoPermissionError):
        client(primary, user).execute_command(*command.split())


def test_the_monitor_may_ask_for_the_role(client, primary):
    assert client(primary, "monitor").role()[0] == "master"
