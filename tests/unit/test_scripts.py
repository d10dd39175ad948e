"""The shell scripts behind `make`: what they tell an operator, and that they leave one another alone."""

import os
import shutil
import subprocess
from types import SimpleNamespace

import pytest

from fleet.paths import ROOT

BUSY = 75


@pytest.fixture
def clone(tmp_path):
    """A folder with the scripts and programs of its own in place of python3, apt-get and id."""
    shutil.copytree(ROOT / "scripts", tmp_path / "clone" / "scripts")
    (tmp_path / "clone" / "requirements.lock").write_text("uv==1.0 --hash=sha256:0\n")
    (tmp_path / "bin").mkdir()

    def program(name, script):
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def start(script, *arguments, **keywords):
        environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}
        environment.pop("FLEET_ALONE", None)
        command = [tmp_path / "clone" / "scripts" / script, *arguments]
        return subprocess.Popen(command, env=environment, text=True, stderr=subprocess.PIPE, **keywords)

    def run(script, *arguments):
        process = start(script, *arguments)
        _, said = process.communicate(timeout=20)
        return process.returncode, said

    return SimpleNamespace(folder=tmp_path / "clone", program=program, start=start, run=run)


def test_a_second_deployment_at_the_same_time_is_refused_in_a_sentence(clone):
    first = clone.start("alone", "sh", "-c", "echo begun; read -r _", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert first.stdout.readline() == "begun\n"

    assert clone.run("alone", "true") == (
        BUSY,
        "Another command that changes the fleet is running from this clone: wait until it ends, then type it again.\n",
    )

    first.communicate("end\n", timeout=20)
    assert clone.run("alone", "true") == (0, "")


def test_a_deployment_within_make_up_is_part_of_it(clone):
    assert clone.run("alone", clone.folder / "scripts" / "alone", "sh", "-c", "exit 3") == (3, "")


def test_what_a_deployment_leaves_running_does_not_lock_out_the_next(clone):
    # As ssh's shared connections are.
    process = clone.start("alone", "sh", "-c", "sleep 30 >/dev/null 2>&1 & echo $!", stdout=subprocess.PIPE)
    left = int(process.communicate(timeout=20)[0])
    try:
        assert clone.run("alone", "true") == (0, "")
    finally:
        os.kill(left, 9)


def test_a_debian_without_venv_gets_it_when_root_asks(clone):
    clone.program("python3", '[ -e "$(dirname "$0")/installed" ] || exit 1')
    clone.program(
        "apt-get",
        'echo "apt-get $*" >>"$(dirname "$0")/log"; case "$*" in *install*) touch "$(dirname "$0")/installed";; esac',
    )
    clone.program("id", "echo 0")

    _, said = clone.run("venv")

    log = (clone.folder.parent / "bin" / "log").read_text()
    assert "install -qq -y --no-install-recommends python3-venv" in log
    assert said.startswith("Installing python3-venv with apt-get")
    assert "Making .venv" in said


def test_others_are_told_what_to_type(clone):
    clone.program("python3", "exit 1")
    clone.program("id", "echo 1000")

    assert clone.run("venv") == (
        2,
        "Python 3 with its venv module is missing: run `sudo apt-get install python3-venv`, then make again.\n",
    )


def test_an_old_python_is_named(clone):
    clone.program("python3", 'case "$*" in *--version*) echo Python 3.9.2;; *version_info*) exit 1;; esac')

    status, said = clone.run("venv")

    assert status == 2
    assert said.startswith("Python 3.9.2 is too old: Python 3.11 or newer is needed")


@pytest.fixture
def without_daemons(clone):
    """A machine with nothing but what the test puts there, RabbitMQ and HAProxy neither."""
    script = clone.folder / "scripts" / "test-daemons"
    text = script.read_text().replace("/usr/lib/rabbitmq/bin", str(clone.folder / "rabbitmq"))
    script.write_text(text.replace("/usr/sbin", str(clone.folder / "sbin")))

    def run():
        ran = subprocess.run(
            [script], env={"PATH": str(clone.folder.parent / "bin")}, text=True, capture_output=True, timeout=20
        )
        return ran.returncode, ran.stderr

    return run


def test_root_gets_the_daemons_for_the_tests_without_having_them_started(clone, without_daemons):
    clone.program("id", "echo 0")
    clone.program("apt-get", f'echo "$RUNLEVEL apt-get $*" >>{clone.folder / "log"}')

    assert without_daemons() == (0, "Installing redis-server rabbitmq-server haproxy with apt-get, for the tests.\n")
    assert (clone.folder / "log").read_text().splitlines() == [
        "1 apt-get update -qq",
        "1 apt-get install -qq -y --no-install-recommends redis-server rabbitmq-server haproxy",
    ]


def test_others_are_told_how_to_install_the_daemons_that_are_missing(clone, without_daemons):
    clone.program("id", "echo 1000")
    clone.program("redis-server", "exit 0")

    status, said = without_daemons()

    assert status == 2
    assert said.startswith(
        "The tests need rabbitmq-server haproxy: run `sudo env RUNLEVEL=1 apt-get install rabbitmq-server haproxy`"
    )


def test_a_machine_with_all_daemons_is_left_alone(clone, without_daemons):
    clone.program("redis-server", "exit 0")
    for folder, program in (("rabbitmq", "rabbitmq-server"), ("sbin", "haproxy")):
        (clone.folder / folder).mkdir()
        (clone.folder / folder / program).touch(0o755)

    assert without_daemons() == (0, "")
