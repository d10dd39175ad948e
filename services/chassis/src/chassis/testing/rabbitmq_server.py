"""A RabbitMQ for tests: a process of its own on free ports of the loopback, for any user."""

import itertools
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import amqp

from chassis.testing import DEADLINE, until

# What is on the PATH in Debian is a wrapper that only root and the user rabbitmq may call.
PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"
SETTINGS = """\
listeners.tcp.1 = 127.0.0.1:{port}
log.console = false
# It fills a disk slowly, but keeps what it has: quorum queues write a log of half a gigabyte otherwise.
raft.wal_max_size_bytes = 16777216
"""
# Also when a test run is killed.
UNTIL_THIS_PROCESS_ENDS = ["setpriv", "--pdeathsig", "KILL"]


def _free_ports(count):
    with ExitStack() as all_at_once:
        free = [all_at_once.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [sock.getsockname()[1] for sock in free]


class RabbitMQServer:
    """One RabbitMQ node, for as long as it is used as a context manager.

    Attributes:
        port: where it speaks AMQP.
        folder: where all of it is, in a subfolder `log` what it logs.
        process: the node itself, for tests that freeze or kill it.
    """

    def __init__(self):
        self.port, self._distribution_port, self._epmd_port = _free_ports(3)
        self._node = f"test-{self.port}@localhost"
        self._cookie = secrets.token_hex(16)
        self._vhosts, self._calls = 0, itertools.count()

    def __enter__(self):
        if not Path(PROGRAM).exists() or not shutil.which("erl_call"):
            raise RuntimeError("RabbitMQ is missing: install it with `sudo apt-get install rabbitmq-server`.")
        with ExitStack() as undo:
            self.folder = Path(undo.enter_context(tempfile.TemporaryDirectory()))
            (self.folder / "settings.conf").write_text(SETTINGS.format(port=self.port))
            (self.folder / "plugins").write_text("[].")
            cookie = self.folder / ".erlang.cookie"
            cookie.touch(0o600)
            cookie.write_text(self._cookie)
            # Erlang's port mapper. RabbitMQ would start one that outlives it.
            epmd = [*UNTIL_THIS_PROCESS_ENDS, "epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"]
            self._epmd = subprocess.Popen(epmd, env=self._environment())
            undo.callback(self._epmd.wait)
            undo.callback(self._epmd.kill)
            undo.callback(lambda: self.kill())
            self.start()
            self._undo = undo.pop_all()
        return self

    def __exit__(self, *_):
        self._undo.close()

    def start(self):
        """Start it (again, after `stop` or `kill`), with what it had."""
        with (self.folder / "out").open("a") as out:
            command = [*UNTIL_THIS_PROCESS_ENDS, PROGRAM]
            self.process = subprocess.Popen(command, env=self._environment(), stdout=out, stderr=subprocess.STDOUT)
        until(self._answers)

    def stop(self):
        """End it in order. Durable queues and persistent messages last."""
        self.process.terminate()
        self.process.wait(DEADLINE)

    def kill(self):
        """End it at once, as a power cut would."""
        self.process.kill()  # works on one that is frozen as well
        self.process.wait()

    def restart(self):
        """Stop it in order and start it again."""
        self.stop()
        self.start()

    def heal(self):
        """Undo what a test that failed may have left: stopped, frozen, blocked."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
        else:
            self.start()
        self.unblock()

    @contextmanager
    def frozen(self):
        """It lives, but does nothing, as on a host that hangs."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def block(self):
        """Have it take no messages, as when it is out of memory: who publishes is told `connection.blocked`."""
        self.evaluate("rabbit_alarm:set_alarm({{resource_limit, memory, node()}, []})")

    def unblock(self):
        """Have it take messages again."""
        self.evaluate("rabbit_alarm:clear_alarm({resource_limit, memory, node()})")

    @property
    def version(self):
        """Its version as numbers: `(3, 10, 8)`."""
        text = self.evaluate("element(2, application:get_key(rabbit, vsn))").strip('"')
        return tuple(int(number) for number in text.split("."))

    def add_vhost(self):
        """Add an empty virtual host and return its name."""
        self._vhosts += 1
        name = f"test-{self._vhosts}"
        self.evaluate(
            f'ok = rabbit_vhost:add(<<"{name}">>, <<"test">>), '
            f'rabbit_auth_backend_internal:set_permissions(<<"guest">>, <<"{name}">>, '
            '<<".*">>, <<".*">>, <<".*">>, <<"test">>)'
        )
        return name

    def delete_vhost(self, name):
        """Delete a virtual host; connections to it are closed by the broker."""
        self.evaluate(f'rabbit_vhost:delete(<<"{name}">>, <<"test">>)')

    def uri(self, vhost, port=None):
        """Its AMQP URI (`port` is that of a proxy before it)."""
        return f"amqp://guest:guest@127.0.0.1:{port or self.port}/{vhost}"

    def connect(self, vhost):
        """An open py-amqp connection, a context manager."""
        connection = amqp.Connection(f"127.0.0.1:{self.port}", virtual_host=vhost, connect_timeout=DEADLINE)
        try:
            connection.connect()
        except BaseException:
            connection.collect()  # which it forgets where the broker refuses
            raise
        return connection

    def depth(self, vhost, queue):
        """The messages in a queue that are ready for delivery. `amqp.NotFound` if there is no such queue."""
        return self._declared(vhost, queue).message_count

    def consumers(self, vhost, queue):
        """The consumers of a queue. `amqp.NotFound` if there is no such queue."""
        return self._declared(vhost, queue).consumer_count

    def queues(self, vhost):
        """The names of all queues, exclusive ones included."""
        names = f'[element(4, amqqueue:get_name(Queue)) || Queue <- rabbit_amqqueue:list(<<"{vhost}">>)]'
        found = self.evaluate(f'binary_to_list(binary:encode_hex(iolist_to_binary(lists:join("\\n", {names}))))')
        return bytes.fromhex(found.strip('"[]')).decode().splitlines()

    def evaluate(self, expression):
        """Have the node evaluate an Erlang expression; return its value as text.

        In 0.04 s, where `rabbitmqctl eval` takes over a second.
        """
        # A node refuses a second caller of the same name, also while it is still letting go of the first.
        own_name = f"call{next(self._calls)}"
        command = ["erl_call", "-h", own_name, "-sname", self._node, "-c", self._cookie, "-e"]
        ran = subprocess.run(
            command, env=self._environment(), input=f"{expression}.\n", capture_output=True, text=True, timeout=DEADLINE
        )
        if ran.returncode or not ran.stdout.startswith("{ok, "):
            raise RuntimeError(f"RabbitMQ did not evaluate {expression}: {ran.stdout}{ran.stderr}")
        return ran.stdout.removeprefix("{ok, ").strip().removesuffix("}")

    def _declared(self, vhost, queue):
        with self.connect(vhost) as connection:
            return connection.channel().queue_declare(queue, passive=True)

    def _environment(self):
        # Without what the machine's own RabbitMQ, or this user's, may be set to.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RABBITMQ_", "ERL_"))}
        return kept | {
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "settings.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(self.folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            # The node takes the place of the shell script, so that it is our child. Without an Erlang shell.
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_START_ARGS": "-noinput",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"RabbitMQ does not start: {(self.folder / 'out').read_text()[-2000:]}")
        with suppress(OSError, amqp.AMQPError), self.connect("/"):
            return True
