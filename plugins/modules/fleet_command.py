"""A command that a play has found to be necessary."""

from __future__ import annotations

import shlex

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: fleet_command
short_description: A command that a play has found to be necessary
description:
  - Runs the command, which is always a change. Whether it is necessary is the affair of the task's C(when).
  - In check mode it tells that change and runs nothing. C(ansible.builtin.command) skips its task there, so a
    check would end without a word of what a run does.
options:
  line: {description: The command with its arguments; no shell reads it., type: str, required: true}
"""

EXAMPLES = r"""
- name: The node leaves maintenance mode
  fleet_command: {line: rabbitmq-upgrade revive}
  when: state.maintenance
"""


def main() -> None:
    module = AnsibleModule(argument_spec={"line": {"type": "str", "required": True}}, supports_check_mode=True)
    if not module.check_mode:
        arguments = shlex.split(module.params["line"])
        code, out, err = module.run_command(arguments)
        if code:
            module.fail_json(msg=f"{arguments[0]} ended with status {code}: {(err or out).strip()}")
    module.exit_json(changed=True)


if __name__ == "__main__":
    main()
