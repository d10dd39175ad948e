"""`make` alone shows a newcomer all that there is to type."""

import os
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


def test_python_keeps_what_it_has_compiled_out_of_the_source_tree(tmp_path):
    # A target of the test's own, with the Makefile's environment; the caller's says the opposite.
    probe = tmp_path / "probe.mk"
    probe.write_text('probe:\n\t@python3 -c "import sys; print(sys.dont_write_bytecode, sys.pycache_prefix)"\n')
    said = subprocess.run(
        ["make", "-f", "Makefile", "-f", probe, "probe"],
        cwd=ROOT, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip

    assert said.split() == ["False", str(ROOT / ".cache" / "bytecode")]
