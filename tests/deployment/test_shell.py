"""`make shell` on the deployed fleet, beyond the greeting that the tutorial's tests ask for."""

import contextlib
import os
import pty
import subprocess

import pytest
import yaml

from fleet.paths import ROOT

pytestmark = pytest.mark.lab


def shell(typed, **keywords):
    return subprocess.run(["make", "shell"], cwd=ROOT, input=typed, text=True, check=False, **keywords)


def test_a_statement_that_fails_ends_it_with_an_error():
    done = shell("n.rpc.greeting_service.nope()\nprint('still here')\n", capture_output=True)

    assert done.returncode != 0
    assert "MethodNotFound: nope" in done.stderr
    assert done.stdout == ""


def test_a_person_at_a_terminal_sees_answers_and_no_password():
    secrets = yaml.safe_load((ROOT / "inventory" / "group_vars" / "lab" / "secrets.yml").read_text())["secrets"]
    terminal, theirs = pty.openpty()
    with subprocess.Popen(["make", "shell"], cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        os.write(terminal, b"n.rpc.greeting_service.hello(name='tty')\nexit()\n")
        seen = b""
        with contextlib.suppress(OSError):  # the terminal's other end is closed
            while True:
                seen += os.read(terminal, 65536)
    os.close(terminal)

    assert process.returncode == 0
    assert b"'Hello, tty!'" in seen
    assert secrets["rabbitmq"]["operator_password"].encode() not in seen
