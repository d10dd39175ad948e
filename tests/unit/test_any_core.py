"""A run under Mitogen may use all of a small controller."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.paths import ROOT

PLAYBOOK = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.command: nproc
      register: said
    - ansible.builtin.debug:
        msg: "a task's process has {{ said.stdout }} cores, a worker {{ lookup('pipe', 'nproc') }}"
"""


@pytest.mark.skipif(os.cpu_count() >= 4, reason="from four cores on Mitogen's own way is kept")
def test_neither_tasks_nor_what_they_start_are_kept_to_one_core(tmp_path):
    (tmp_path / "play.yml").write_text(PLAYBOOK)
    (plugins,) = Path(sys.prefix).glob("lib/python3*/site-packages/ansible_mitogen/plugins/strategy")
    said = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "--inventory", "localhost,", "--connection", "local",
         tmp_path / "play.yml"],
        cwd=ROOT, capture_output=True, text=True, check=True,
        env=os.environ | {"ANSIBLE_STRATEGY": "mitogen_linear", "ANSIBLE_STRATEGY_PLUGINS": str(plugins)},
    ).stdout  # fmt: skip

    cores = len(os.sched_getaffinity(0))
    assert f"a task's process has {cores} cores, a worker {cores}" in said
