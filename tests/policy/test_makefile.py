"""`make` alone shows a newcomer all that there is to type."""

import re
import subprocess

from fleet.paths import ROOT

TEXT = (ROOT / "Makefile").read_text("utf-8")
TARGETS = re.findall(r"^([a-z][a-z-]*):(?!=)", TEXT, re.MULTILINE)


def test_every_target_has_a_line_of_help():
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert [line.split()[0] for line in listed.splitlines()] == TARGETS
    assert all(len(line.split()) > 2 for line in listed.splitlines())


def test_no_target_is_taken_for_a_file():
    assert re.findall(r"^\.PHONY: (.+)$", TEXT, re.MULTILINE) == TARGETS


def test_mitogen_is_asked_for_by_make_alone():
    # A plain ansible-playbook must work without it.
    for path in [ROOT / "ansible.cfg", *ROOT.glob("playbooks/*.yml"), *ROOT.glob("inventory/**/*.yml")]:
        assert "mitogen" not in path.read_text("utf-8")
