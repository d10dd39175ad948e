"""`python -m chassis.prove`, on instances as they run on a host."""

import json
import os
import subprocess
import sys
import textwrap
from itertools import count

import pytest
from chassis.testing import until

from .instances import InstanceRun

SERVICE = """
import os
from pathlib import Path

import eventlet
from chassis.http import http
from chassis.rpc import rpc
from chassis.errors import NotFound


class ProvenService:
    name = "proven_service"

    @rpc
    def hello(self, name):
        return f"Hello, {name}!"

    @rpc
    def find(self, key):
        raise NotFound(f"no {key}")

    @rpc
    def crash(self):
        os._exit(3)

    @http("GET", "/page/<name>")
    def page(self, request, name):
        return {"page": name, "asked": request.headers.get("X-Asked")}

    @http("POST", "/page")
    def post(self, request):
        return request.body.decode()

    @http("GET", "/slow")
    def slow(self, _request):
        eventlet.sleep(60)

    @rpc
    def wait(self, seconds):
        eventlet.sleep(seconds)
        return seconds


if os.environ.get("CRASH_AFTER"):
    eventlet.spawn_after(float(os.environ["CRASH_AFTER"]), os._exit, 3)
"""
HELLO = """
def smoke(instance):
    greeting = instance.call("hello", "fleet")
    assert greeting == "Hello, fleet!", f"expected 'Hello, fleet!', found {greeting!r}"
"""
NO_BROKER = "amqp://guest:guest@127.0.0.1:1/"
numbers = count(1)


class Release:
    """The package `proven` with smoke calls, its instances, and the prover beside them."""

    def __init__(self, folder, uri):
        self.folder, self.uri, self.running = folder, uri, []
        self._package = folder / "release" / "proven"
        self._package.mkdir(parents=True)
        (self._package / "__init__.py").touch()
        (self._package / "service.py").write_text(SERVICE)

    def smoke(self, source):
        (self._package / "smoke.py").write_text(textwrap.dedent(source))

    def instance(self, state="probation", uri=None, start=True, **options):
        """An instance in a state, which starts but need not be ready."""
        name = f"proven-2.0.0-b{next(numbers)}@app1"
        paths = (self._package.parent,)
        one = InstanceRun(self.folder, "proven.service", name, uri or self.uri, paths=paths, **options)
        one.say(state)
        self.running.append(one)
        if start:
            one.start()
        return one

    def prover(self, *configs, **options):
        """The running prover."""
        options = {"timeout": 60, "settle": 0.1, **options}
        flags = [f"--{name}={value}" for name, value in options.items()]
        command = [sys.executable, "-W", "ignore", "-m", "chassis.prove", *map(str, configs), *flags]
        environment = {**os.environ, "PYTHONPATH": self.running[0].paths}
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True, cwd=self.folder
        )

    def prove(self, *instances, **options):
        """Prove instances; return the exit code and what became of each, by id."""
        return self.outcome(self.prover(*(one.config for one in instances), **options))

    def outcome(self, prover):
        """The exit code and what became of each, by id, when the prover has ended."""
        output, errors = prover.communicate(timeout=120)
        assert "Traceback" not in errors
        told = json.loads(output)
        assert told["ok"] == (prover.returncode == 0) == all(one["ok"] for one in told["instances"])
        return prover.returncode, {one["id"]: one for one in told["instances"]}

    def fails(self, instance, **options):
        """Prove an instance that can't be proven; return why not, without its id."""
        code, told = self.prove(instance, **options)
        assert (code, told[instance.id]["ok"]) == (1, False)
        reason = told[instance.id]["reason"]
        assert reason.startswith(f"{instance.id} ")
        assert reason.endswith(".")
        assert "\n" not in reason
        return reason.removeprefix(f"{instance.id} "), told[instance.id]


@pytest.fixture
def release(tmp_path, rabbitmq, vhost):
    release = Release(tmp_path, rabbitmq.uri(vhost))
    yield release
    for one in release.running:
        one.kill()


def test_instances_in_probation_and_admitted_ones_are_proven_together(release):
    release.smoke(HELLO)
    instances = [release.instance("probation"), release.instance("probation"), release.instance("admitted")]
    code, told = release.prove(*instances)
    assert code == 0
    assert list(told) == [one.id for one in instances]
    for one in told.values():
        assert (one["ok"], one["reason"], one["smoke"]) == (True, "", "passed")
        (call,) = one["calls"]
        assert call["call"] == "hello('fleet')"
        assert 0 <= call["seconds"] <= one["seconds"]


def test_each_is_called_itself(release):
    # Each tells its id, also where all of them share the service's queue.
    release.smoke(
        """
        def smoke(instance):
            assert instance.http("GET", "/health").json["instance"] == instance.id
            for _ in range(10):
                instance.call("hello", "fleet")
        """
    )
    one, other = release.instance("admitted"), release.instance("admitted")
    until(lambda: other.ready()[0] == 200)
    assert release.prove(one)[0] == 0
    assert "hello" not in other.log


def test_smoke_calls_see_results_and_errors_as_any_caller(release):
    release.smoke(
        """
        from chassis.errors import NotFound


        def smoke(instance):
            answer = instance.http("GET", "/page/one", headers={"X-Asked": "yes"})
            assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
            assert answer.json == {"page": "one", "asked": "yes"}
            assert instance.http("POST", "/page", json={"a": 1}).body == b'{"a": 1}'
            assert instance.http("GET", "/nowhere").status == 404
            try:
                instance.call("find", key="x")
            except NotFound as error:
                assert str(error) == "no x"
                return
            raise AssertionError("expected NotFound")
        """
    )
    code, told = release.prove(release.instance())
    (one,) = told.values()
    assert (code, one["reason"]) == (0, "")
    assert [call["call"] for call in one["calls"]][-1] == "find(key='x')"


def test_a_wrong_answer_is_told_with_the_call(release):
    release.smoke(HELLO.replace("Hello, fleet!", "Hi!"))
    found, told = release.fails(release.instance())
    assert found == "answered the smoke call hello('fleet') wrongly: expected 'Hi!', found 'Hello, fleet!'."
    assert (told["smoke"], len(told["calls"])) == ("failed", 1)


def test_a_release_without_smoke_calls_is_proven_without(release):
    code, told = release.prove(release.instance())
    (one,) = told.values()
    assert (code, one["smoke"], one["calls"]) == (0, "none", [])


def test_an_instance_that_hangs_ends_in_the_deadline_and_what_was_made_can_be_deleted(release):
    release.smoke(
        """
        def smoke(instance):
            try:
                instance.call("wait", 60)
            finally:
                instance.call("hello", "cleaned up")
        """
    )
    one = release.instance()
    until(lambda: one.ready()[1].get("checks") == {"broker": "ok"})
    found, told = release.fails(one, timeout=8)
    assert found.startswith(f"failed the smoke call wait(60): RpcTimeout: {one.id}.wait did not answer within ")
    assert [call["call"] for call in told["calls"]] == ["wait(60)", "hello('cleaned up')"]


def test_smoke_calls_that_let_nothing_else_run_come_to_an_end(release):
    release.smoke(
        """
        from eventlet import patcher


        def smoke(instance):
            patcher.original("time").sleep(120)
        """
    )
    found, _ = release.fails(release.instance(), timeout=10, settle=0)
    assert found == "was not through with its proof in time."


def test_instances_that_can_not_be_proven_are_told_with_what_kept_them(release):
    proven, drains, lost = release.instance(), release.instance("draining"), release.instance(uri=NO_BROKER)
    silent = release.instance(start=False)
    absent = release.instance(start=False, WEB_SERVER_ADDRESS=f"127.0.0.1:{proven.port}")
    until(lambda: proven.ready()[1].get("checks") == drains.ready()[1].get("checks") == {"broker": "ok"})
    until(lambda: lost.get("/ready")[0] == 503)
    code, told = release.prove(proven, drains, lost, silent, absent, timeout=20)
    assert code == 1
    assert {one.id: told[one.id]["reason"] for one in (proven, drains, lost, silent, absent)} == {
        proven.id: "",
        drains.id: f"{drains.id} did not get ready within 20 s: its state is draining.",
        lost.id: f"{lost.id} did not get ready within 20 s: Not connected to RabbitMQ.",
        silent.id: f"{silent.id} did not answer /ready within 20 s (connection refused).",
        absent.id: f"{absent.id} did not answer /ready at 127.0.0.1:{proven.port} within 20 s: "
        f"{proven.id} answers there.",
    }


def test_one_that_crashes_later_is_found_out(release):
    release.smoke(HELLO)
    found, one = release.fails(release.instance(environment={"CRASH_AFTER": "6"}), settle=60)
    # Between two looks, or in the middle of one.
    assert found in {f"ended while it was proven: connection {how}." for how in ("refused", "closed")}
    assert one["smoke"] == "passed"


def test_one_that_crashes_of_a_smoke_call_is_told_so(release):
    release.smoke('def smoke(instance):\n    instance.call("crash")\n')
    found, _ = release.fails(release.instance(), timeout=8)
    assert found == "ended while it was proven (in the smoke call crash()): connection refused."


def test_one_that_was_restarted_is_not_the_one_that_was_proven(release):
    # The smoke calls last until it is another process.
    release.smoke(
        """
        import eventlet


        def smoke(instance):
            first = instance.http("GET", "/health").json["pid"]
            instance.call("hello", "restart now")
            while True:
                eventlet.sleep(0.05)
                try:
                    if instance.http("GET", "/health").json["pid"] != first:
                        return
                except OSError:
                    pass
        """
    )
    one = release.instance()
    prover = release.prover(one.config)
    until(lambda: "proven_service.hello: ok" in one.log)
    one.kill()
    one.start()
    _, told = release.outcome(prover)
    assert told[one.id]["reason"] == f"{one.id} was restarted while it was proven."
