"""A run under Mitogen may use every core that the controller may."""

import os

PLAYBOOK = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.command: nproc
      register: said
    - ansible.builtin.debug:
        msg: "a task's process has {{ said.stdout }} cores, a worker {{ lookup('pipe', 'nproc') }}"
"""


def test_neither_tasks_nor_what_they_start_are_kept_to_some_cores(tmp_path, begun_playbook):
    play = tmp_path / "play.yml"
    play.write_text(PLAYBOOK)
    with begun_playbook(play, "--connection", "local", inventory="localhost,") as process:
        said = process.stdout.read()

    cores = len(os.sched_getaffinity(0))
    assert f"a task's process has {cores} cores, a worker {cores}" in said
