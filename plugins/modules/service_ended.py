"""Instances end, and nothing of them is left."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.service_programs import paths
from ansible.module_utils.supervisor_control import GOING_DOWN, complaint, connect, states, wait

DOCUMENTATION = r"""
module: service_ended
short_description: Instances end, and nothing of them is left
description:
  - Their supervisor programs go first, so that no reboot starts them. Then all get SIGTERM at the same time, so that
    this takes as long as the slowest takes to finish what it has. Then supervisor forgets them and their files go. What
    a revision's secrets were stays (see C(service_files)).
  - One that doesn't end in time fails the task, with its log; its files stay, but for the program.
options:
  service: {description: The service., type: str, required: true}
  programs: {description: The instances' programs., type: list, elements: str, required: true}
  timeout: {description: Seconds within which all must have ended., type: int, default: 60}
"""


def stop(supervisor, programs: list[str], timeout: int) -> dict[str, str]:
    """End the programs and have supervisor forget them; those that didn't end, with supervisor's word."""
    for name in states(supervisor, programs):
        supervisor.stopProcessGroup(name, False)
    left = wait(supervisor, programs, lambda now: not set(now.values()) & set(GOING_DOWN), timeout)
    if running := {name: word for name, word in left.items() if word in GOING_DOWN}:
        return running
    for name in left:
        supervisor.removeProcessGroup(name)
    supervisor.reloadConfig()
    return {}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "service": {"type": "str", "required": True},
            "programs": {"type": "list", "elements": "str", "required": True},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    programs, timeout, supervisor = module.params["programs"], module.params["timeout"], connect()
    found = [paths(module.params["service"], name) for name in programs]
    changed = bool(states(supervisor, programs)) or any(path.exists() for one in found for path in one.values())
    if not module.check_mode:
        for one in found:
            one["program"].unlink(missing_ok=True)
        if left := stop(supervisor, programs, timeout):
            module.fail_json(msg=complaint(supervisor, sorted(left), f"didn't end within {timeout} s", left))
        for one in found:
            for path in one.values():
                path.unlink(missing_ok=True)
    module.exit_json(changed=changed)


if __name__ == "__main__":
    main()
