"""Supervisor runs the named programs."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.service_programs import desired_state
from ansible.module_utils.supervisor_control import WHILE_STARTING, complaint, connect, set_niceness, states, wait

DOCUMENTATION = r"""
module: service_started
short_description: Supervisor runs the named programs
description:
  - Acts on the named programs alone, whose files are there. C(supervisorctl update) would act on every group whose file
    differs, those of other services included.
  - What is in probation starts with less priority than what answers calls, and has its own once it is admitted (see
    C(service_state)).
options:
  programs: {description: Programs, each the only one of its group., type: list, elements: str, required: true}
  timeout: {description: Seconds within which all must have started., type: int, default: 60}
"""

RETURN = r"""
states: {description: Supervisor's word for each program at the end., type: dict, returned: always}
"""


def start(supervisor, programs: list[str], timeout: int) -> dict[str, str]:
    supervisor.reloadConfig()
    there = states(supervisor, programs)
    for name in programs:
        if name not in there:
            supervisor.addProcessGroup(name)
        if there.get(name) not in (None, "RUNNING", "STARTING"):
            supervisor.startProcess(name, False)
    newcomers = [name for name in programs if desired_state(name) == "probation"]

    def settled(now: dict[str, str]) -> bool:
        # Supervisor has processes for them only after a while.
        set_niceness(supervisor, newcomers, WHILE_STARTING)
        return all(now.get(name) in ("RUNNING", "FATAL") for name in programs)

    return wait(supervisor, programs, settled, timeout)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "programs": {"type": "list", "elements": "str", "required": True},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    programs, supervisor = module.params["programs"], connect()
    now = states(supervisor, programs)
    changed = any(now.get(name) != "RUNNING" for name in programs)
    if not module.check_mode:
        now = start(supervisor, programs, module.params["timeout"])
        if failed := [name for name in programs if now.get(name) != "RUNNING"]:
            module.fail_json(msg=complaint(supervisor, failed, "doesn't start", now), states=now)
    module.exit_json(changed=changed, states=now)


if __name__ == "__main__":
    main()
