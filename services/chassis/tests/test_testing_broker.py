"""What the tests of RPC stand on: a RabbitMQ of their own, and a network before it that breaks when told to."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import amqp
import pytest
from chassis.testing import until
from chassis.testing.cuttable_proxy import CuttableProxy
from chassis.testing.rabbitmq_server import RabbitMQServer
from chassis.testing.served import read_all

SECONDS = 5  # that a socket waits for what must come
SILENCE = 0.2  # seconds after which nothing is taken to come


def processes_of(folder):
    """The processes that have a folder in their environment, as all of a test's RabbitMQ have."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder.encode() in (process / "environ").read_bytes():
                found.append(process.name)
    return found


@pytest.mark.long
def test_nothing_of_a_rabbitmq_outlives_it():
    # In a process that is killed, which can't tidy up.
    script = (
        "import sys; from chassis.testing.rabbitmq_server import RabbitMQServer\n"
        "with RabbitMQServer() as server: print(server.folder, flush=True); sys.stdin.read()"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", script], env=environment, text=True, **pipes) as process:
        folder = process.stdout.readline().strip()
        assert processes_of(folder)
        process.kill()
    until(lambda: not processes_of(folder))

    with RabbitMQServer() as server:
        folder = str(server.folder)
        assert processes_of(folder)
    until(lambda: not processes_of(folder))
    assert not Path(folder).exists()


def test_a_missing_program_is_named(monkeypatch):
    monkeypatch.setattr("chassis.testing.rabbitmq_server.PROGRAM", "/nowhere/rabbitmq-server")
    with pytest.raises(RuntimeError, match="sudo apt-get install rabbitmq-server"), RabbitMQServer():
        pass


def test_a_virtual_host_is_empty_and_gone_after_the_test(rabbitmq, vhost):
    assert rabbitmq.queues(vhost) == []
    other = rabbitmq.add_vhost()
    with rabbitmq.connect(other) as connection:
        connection.channel().queue_declare("one", durable=True, auto_delete=False)
    assert (rabbitmq.queues(other), rabbitmq.queues(vhost)) == (["one"], [])

    rabbitmq.delete_vhost(other)
    with pytest.raises(amqp.NotAllowed):
        rabbitmq.connect(other)


@pytest.mark.parametrize("queue_type", ["classic", "quorum"])
def test_a_queues_depth_and_consumers_are_told(rabbitmq, vhost, queue_type):
    with rabbitmq.connect(vhost) as connection:
        channel = connection.channel()
        arguments = {"x-queue-type": queue_type}
        channel.queue_declare("one", durable=True, auto_delete=False, arguments=arguments)
        assert (rabbitmq.depth(vhost, "one"), rabbitmq.consumers(vhost, "one")) == (0, 0)

        channel.confirm_select()
        channel.basic_publish_confirm(amqp.Message("first", delivery_mode=2), "", "one")
        assert rabbitmq.depth(vhost, "one") == 1

        channel.basic_consume("one", callback=id)
        until(lambda: (rabbitmq.depth(vhost, "one"), rabbitmq.consumers(vhost, "one")) == (0, 1))


@pytest.mark.long
def test_what_was_published_outlives_a_restart_and_a_kill():
    with RabbitMQServer() as server:
        vhost = server.add_vhost()
        with server.connect(vhost) as connection:
            channel = connection.channel()
            channel.queue_declare("one", durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
            channel.confirm_select()
            channel.basic_publish_confirm(amqp.Message("first", delivery_mode=2), "", "one")
        server.restart()
        until(lambda: server.depth(vhost, "one") == 1)
        server.kill()
        server.heal()
        until(lambda: server.depth(vhost, "one") == 1)


def test_who_publishes_is_told_of_a_blocked_broker(rabbitmq, vhost):
    told = []
    connection = amqp.Connection(
        f"127.0.0.1:{rabbitmq.port}",
        virtual_host=vhost,
        on_blocked=lambda reason: told.append(reason),
        on_unblocked=lambda: told.append("unblocked"),
    )
    with connection:
        connection.connect()
        rabbitmq.block()
        connection.channel().basic_publish(amqp.Message("first"), "", "one")
        connection.drain_events(timeout=SECONDS)
        rabbitmq.unblock()
        connection.drain_events(timeout=SECONDS)
    assert len(told) == 2
    assert told[1] == "unblocked"


@pytest.fixture
def echo():
    """A listener that stands in for the broker."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(SECONDS)
        yield listener


@pytest.fixture
def proxy(echo):
    with CuttableProxy(echo.getsockname()[1]) as proxy:
        yield proxy


@pytest.fixture
def ends(proxy, echo):
    """Both ends of a connection through the proxy: the client's and the target's."""
    with connect(proxy) as client, echo.accept()[0] as target:
        target.settimeout(SECONDS)
        yield client, target


def connect(proxy):
    return socket.create_connection(("127.0.0.1", proxy.port), SECONDS)


def silent(sock):
    sock.settimeout(SILENCE)
    try:
        sock.recv(1)
    except TimeoutError:
        return True
    else:
        return False
    finally:
        sock.settimeout(SECONDS)


def test_bytes_pass_in_both_directions_until_the_end(ends):
    client, target = ends
    much = os.urandom(5 * 2**20)  # more than the proxy and the kernel hold for one that does not read

    def answer():
        target.sendall(much)
        target.shutdown(socket.SHUT_WR)

    client.sendall(b"question")
    client.shutdown(socket.SHUT_WR)
    assert read_all(target) == b"question"
    answering = threading.Thread(target=answer)
    answering.start()
    assert read_all(client) == much
    answering.join(SECONDS)


def test_a_cut_resets_both_ends_and_lets_new_connections_in(proxy, ends, echo):
    proxy.cut()
    for end in ends:
        with pytest.raises(ConnectionResetError):
            end.recv(1)
    assert proxy.connections == 0
    with connect(proxy) as client, echo.accept()[0] as target:
        client.sendall(b"again")
        assert target.recv(9) == b"again"
    assert proxy.accepted == 2


def test_a_cut_can_look_like_an_orderly_end(proxy, ends):
    proxy.cut(reset=False)
    assert [end.recv(1) for end in ends] == [b"", b""]


def test_what_is_frozen_comes_when_it_heals(proxy, ends, echo):
    client, target = ends
    proxy.freeze()
    client.sendall(b"question")
    assert silent(target)
    with connect(proxy) as other, echo.accept()[0] as other_target:
        other.sendall(b"other question")
        assert silent(other_target)

        proxy.heal()
        assert target.recv(9) == b"question"
        assert other_target.recv(19) == b"other question"


def test_one_direction_freezes_alone(proxy, ends):
    client, target = ends
    proxy.freeze(to_target=False)
    client.sendall(b"question")
    assert target.recv(9) == b"question"
    target.sendall(b"answer")
    assert silent(client)

    proxy.cut()  # and the answer never came
    with pytest.raises(ConnectionResetError):
        client.recv(1)


def test_new_connections_are_refused_until_it_heals(proxy, ends):
    client, target = ends
    proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        connect(proxy)
    client.sendall(b"question")
    assert target.recv(9) == b"question"

    proxy.heal()
    connect(proxy).close()


def test_a_target_that_is_not_there_is_a_lost_connection():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    # Already connecting may find out.
    with CuttableProxy(port) as proxy, pytest.raises(ConnectionResetError), connect(proxy) as client:
        client.recv(1)


def test_a_broker_is_used_through_the_proxy(rabbitmq, vhost, broker_proxy):
    connection = amqp.Connection(f"127.0.0.1:{broker_proxy.port}", virtual_host=vhost)
    connection.connect()
    broker_proxy.cut()
    with pytest.raises(OSError, match=r"reset|closed|broke"):
        connection.channel().queue_declare("one", durable=True, auto_delete=False)
    connection.collect()
    assert rabbitmq.queues(vhost) == []
