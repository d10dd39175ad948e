"""A host that comes back, from a boot or from being cut off, asks the record what may take calls: the program itself,
with core hosts that are small HTTP servers on the loopback's many addresses."""

import configparser
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fleet.paths import ROOT

REJOIN = ROOT / "roles" / "nameko_service" / "files" / "rejoin.py"
CORE = ["127.0.0.11", "127.0.0.12", "127.0.0.13"]
NOW, BEFORE = "0123456789ab", "ba9876543210"
RECORD = {"version": 7, "services": {"greeting": [NOW]}}
OLDER = {"version": 6, "services": {"greeting": [BEFORE]}}
EMPTY = {"version": 0, "services": {}}
WAIT = 30  # seconds for the program to do something


@contextmanager
def core(content, address, port=0, status=200):
    """A core host that answers with this."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer((address, port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


class Host:
    """An app host's files."""

    def __init__(self, root):
        self.root = root
        for folder in ("etc/fleet", "etc/supervisor/conf.d", "var/lib/fleet/instances"):
            (root / folder).mkdir(parents=True)

    def instance(self, program, revision, state="admitted"):
        environment = f'FLEET_REVISION="{revision}",FLEET_PORT="8100"' if revision else 'A="b"'
        text = f"; Ansible managed\n[program:{program}]\ncommand=/bin/true\nenvironment={environment}\n"
        (self.root / f"etc/supervisor/conf.d/{program}.conf").write_text(text)
        if state:
            self.state_file(program).write_text(f"{state}\n")

    def state_file(self, program):
        return self.root / f"var/lib/fleet/instances/{program}.state"

    def state(self, program):
        return self.state_file(program).read_text().strip()

    def start(self, port, nodes=CORE, arguments=()):
        (self.root / "etc/fleet/rejoin.json").write_text(json.dumps({"nodes": nodes, "port": port}))
        command = [sys.executable, "-I", REJOIN, "--root", self.root, *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def rejoin(self, port, nodes=CORE):
        """What it says when it has come to an end."""
        with self.start(port, nodes) as program:
            out = program.communicate(timeout=WAIT)[0]
        assert program.returncode == 0
        return out

    @property
    def compared(self):
        return (self.root / "run/fleet/rejoined").exists()


@pytest.fixture
def host(tmp_path):
    found = Host(tmp_path)
    found.instance("greeting-1.0.0-a1", BEFORE)
    return found


@contextmanager
def two(first, second=None, **options):
    """Two of the three core hosts answer, the third is down."""
    with core(first, CORE[0], **options) as port, core(second or first, CORE[1], port=port):
        yield port


def test_what_the_fleet_has_left_behind_takes_no_calls(host):
    with two(RECORD) as port:
        said = host.rejoin(port)
    assert host.state("greeting-1.0.0-a1") == "probation"
    assert said == f"greeting-1.0.0-a1 stays on probation: {BEFORE} is not what greeting is now.\n"
    assert host.compared


def test_what_the_fleet_runs_does(host):
    host.instance("greeting-2.0.0-b1", NOW)
    with two(RECORD) as port:
        host.rejoin(port)
    assert host.state("greeting-2.0.0-b1") == "admitted"


def test_what_no_service_of_the_fleet_is_or_has_no_revision_does_not(host):
    host.instance("mail-1.0.0-a1", NOW)
    host.instance("greeting-2.0.0-b1", "")
    host.instance("greeting-2.0.0-b2", BEFORE, state="")
    with two(RECORD) as port:
        host.rejoin(port)
    assert {host.state(name) for name in ("mail-1.0.0-a1", "greeting-2.0.0-b1", "greeting-2.0.0-b2")} == {"probation"}


def test_what_is_to_end_stays_so(host):
    host.instance("greeting-1.0.0-a1", BEFORE, state="draining")
    with two(RECORD) as port:
        host.rejoin(port)
    assert host.state("greeting-1.0.0-a1") == "draining"


@pytest.mark.parametrize("answers", [(RECORD, OLDER), (OLDER, RECORD), (RECORD, EMPTY)])
def test_the_newest_answer_counts(host, answers):
    with two(*answers) as port:
        host.rejoin(port)
    assert host.state("greeting-1.0.0-a1") == "probation"


def test_a_fleet_without_a_record_leaves_all_as_it_is(host):
    with two(EMPTY) as port:
        host.rejoin(port)
    assert host.state("greeting-1.0.0-a1") == "admitted"


def test_nor_does_a_host_that_is_told_of_no_core_host_wait(host):
    host.rejoin(1, [])
    assert host.state("greeting-1.0.0-a1") == "admitted"
    assert host.compared


def test_it_waits_for_a_majority_and_says_for_whom(host):
    with core(RECORD, CORE[0]) as port, host.start(port) as program:
        said = program.stdout.readline()
        assert said.startswith("Services wait until 2 of 3 core hosts say what may run here; these don't: 127.0.0.12 (")
        assert host.state("greeting-1.0.0-a1") == "admitted"
        assert not host.compared
        with core(RECORD, CORE[2], port=port):
            program.communicate(timeout=WAIT)
    assert host.state("greeting-1.0.0-a1") == "probation"
    assert host.compared


@pytest.mark.parametrize(("content", "status"), [(RECORD, 503), (b"{", 200), (["version"], 200), ({"version": 1}, 200)])
def test_an_answer_that_makes_no_sense_is_none(host, content, status):
    with two(content, RECORD, status=status) as port, host.start(port) as program:
        assert "127.0.0.11 (" in program.stdout.readline()
        with core(RECORD, CORE[2], port=port):
            program.communicate(timeout=WAIT)
    assert host.compared


def test_a_core_host_that_takes_connections_and_says_nothing_holds_nobody_up(host):
    with two(RECORD) as port, ThreadingHTTPServer((CORE[2], port), BaseHTTPRequestHandler):
        host.rejoin(port)
    assert host.compared


def unit(render, name):
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read_string(render(f"nameko_service/{name}.j2", "app1"))
    return parser


def test_systemd_waits_for_it_as_long_as_it_takes_and_once_after_a_boot(render):
    rejoin = unit(render, "fleet-rejoin.service")
    assert rejoin["Unit"]["Before"] == "supervisor.service"
    assert rejoin["Unit"]["ConditionPathExists"] == "!/run/fleet/rejoined"
    settings = {key: rejoin["Service"][key] for key in ("Type", "RemainAfterExit", "TimeoutStartSec", "RestartMode")}
    assert settings == {
        "Type": "oneshot",
        "RemainAfterExit": "yes",
        "TimeoutStartSec": "infinity",
        "RestartMode": "direct",
    }


def test_one_that_was_held_back_when_the_host_went_down_is_compared_too(host):
    host.instance("greeting-1.0.0-a1", BEFORE, state="held")
    host.instance("greeting-2.0.0-b1", NOW, state="held")
    with two(RECORD) as port:
        host.rejoin(port)
    assert (host.state("greeting-1.0.0-a1"), host.state("greeting-2.0.0-b1")) == ("probation", "admitted")


STATISTICS = "# pxname,svname,status,\n{}\n\n"
REACHED = "amqp,FRONTEND,OPEN,\namqp,core1,UP 1/2,\namqp,core2,DOWN,\nredis,core1,DOWN,\ngateway,app1-a1,DOWN,"
CUT_OFF = "amqp,FRONTEND,OPEN,\namqp,core1,DOWN,\namqp,core2,DOWN 1/2,\nredis,core1,DOWN,\ngateway,app1-a1,UP,"


class Balancer(threading.Thread):
    """The host's HAProxy, which says of its servers what `rows` is."""

    def __init__(self, path, rows):
        super().__init__(daemon=True)
        self.rows, self.asked = rows, 0
        path.parent.mkdir(parents=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self.start()

    def run(self):
        while True:
            connection, _ = self._listener.accept()
            with connection:
                assert connection.recv(100) == b"show stat\n"
                connection.sendall(STATISTICS.format(self.rows).encode())
                self.asked += 1

    def await_questions(self, number):
        deadline = time.monotonic() + WAIT
        while self.asked < number:
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.fixture
def watched(host):
    """`watched(port)`: the balancer of the host that the program watches; both are gone in the end."""
    started = []

    def watch(port, rows=CUT_OFF, nodes=CORE):
        balancer = Balancer(host.root / "run/haproxy/admin.sock", rows)
        balancer.watcher = host.start(port, nodes, arguments=("--watch",))
        started.append(balancer.watcher)
        return balancer

    yield watch
    for program in started:
        program.kill()
        program.communicate()


def await_states(host, **expected):
    """Wait until the greeting instances, named by their versions, are in these states."""
    wanted = {f"greeting-{version[1]}.0.0-b1": state for version, state in expected.items()}
    deadline = time.monotonic() + WAIT
    while (now := {name: host.state(name) for name in wanted}) != wanted:
        assert time.monotonic() < deadline, now
        time.sleep(0.05)


def test_a_host_that_is_cut_off_holds_back_what_takes_calls_until_it_knows_that_it_may(host, watched):
    for version, revision, state in (
        ("1.0.0", BEFORE, "admitted"),
        ("2.0.0", NOW, "admitted"),
        ("3.0.0", NOW, "probation"),
        ("4.0.0", BEFORE, "draining"),
    ):
        host.instance(f"greeting-{version}-b1", revision, state=state)
    with two(RECORD) as port:
        balancer = watched(port)
        await_states(host, v1="held", v2="held", v3="probation", v4="draining")
        balancer.rows = REACHED
        await_states(host, v1="probation", v2="admitted", v3="probation", v4="draining")


def test_it_goes_on_holding_them_while_nobody_can_say_what_may_run(host, watched):
    with core(RECORD, CORE[0]) as port:
        host.instance("greeting-2.0.0-b1", NOW, state="held")
        program = watched(port, REACHED).watcher
        assert program.stdout.readline().startswith("Services wait until 2 of 3 core hosts say what may run here")
        assert host.state("greeting-2.0.0-b1") == "held"
        with core(RECORD, CORE[2], port=port):
            await_states(host, v2="admitted")


def test_a_host_that_reaches_a_core_host_is_left_alone(host, watched):
    with two(RECORD) as port:
        watched(port, REACHED).await_questions(3)
    assert host.state("greeting-1.0.0-a1") == "admitted"


def test_one_whose_brokers_alone_are_down_is_not_cut_off(host, watched):
    with two(RECORD) as port:
        balancer = watched(port, CUT_OFF.replace("redis,core1,DOWN", "redis,core1,UP"))
        balancer.await_questions(3)
    assert host.state("greeting-1.0.0-a1") == "admitted"


def test_a_balancer_that_says_nothing_changes_nothing(host):
    host.instance("greeting-2.0.0-b1", NOW, state="held")
    with two(RECORD) as port, host.start(port, arguments=("--watch",)) as program:
        try:
            await_states(host, v2="admitted")  # so it has looked
        finally:
            program.kill()
    assert host.state("greeting-1.0.0-a1") == "probation"  # compared with the other, and never held


def test_a_host_that_was_suspended_compares_itself_too(host, watched):
    with two(RECORD) as port:
        balancer = watched(port, REACHED)
        balancer.await_questions(1)
        balancer.watcher.send_signal(signal.SIGSTOP)
        time.sleep(16)  # how long it was away is what it goes by
        balancer.watcher.send_signal(signal.SIGCONT)
        deadline = time.monotonic() + WAIT
        while host.state("greeting-1.0.0-a1") != "probation":
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_what_is_no_instance_is_not_held(host, watched):
    host.state_file("greeting-9.0.0-b1").write_text("admitted\n")
    with two(RECORD) as port:
        watched(port)
        host.instance("greeting-2.0.0-b1", NOW)
        await_states(host, v2="held")
    assert host.state("greeting-9.0.0-b1") == "admitted"


def test_where_there_is_no_record_nothing_is_held(host, watched):
    host.instance("greeting-2.0.0-b1", NOW, state="held")
    balancer = watched(1, CUT_OFF, nodes=[])
    await_states(host, v2="admitted")
    assert balancer.asked == 0
    assert host.state("greeting-1.0.0-a1") == "admitted"


def test_the_watch_goes_on_whatever_happens(render):
    watch = unit(render, "fleet-watch.service")
    assert (watch["Service"]["Restart"], watch["Unit"]["StartLimitIntervalSec"]) == ("always", "0")
    assert watch["Service"]["ExecStart"].endswith("/opt/fleet/bin/fleet-rejoin --watch")
