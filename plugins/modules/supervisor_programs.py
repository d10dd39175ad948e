"""Supervisor runs the named programs, or no longer knows them."""

from __future__ import annotations

import time
import xmlrpc.client

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: supervisor_programs
short_description: Supervisor runs the named programs, or no longer knows them
description:
  - Acts on the named programs alone. C(supervisorctl update) would act on every group whose file differs,
    those of other services included.
  - All programs of one task stop at the same time, so that a drain takes as long as the slowest.
options:
  names: {description: Programs, each the only one of its group., type: list, elements: str, required: true}
  state: {description: What they should be; absent once their files are gone., type: str, choices: [started, absent]}
  timeout: {description: Seconds within which all must have started or stopped., type: int, default: 60}
"""

RETURN = r"""
states: {description: Supervisor's word for each program at the end., type: dict, returned: always}
"""

GOING_DOWN = ("RUNNING", "STARTING", "STOPPING", "BACKOFF")


def connect():
    from supervisor.xmlrpc import SupervisorTransport

    transport = SupervisorTransport(None, None, "unix:///run/supervisor.sock")
    return xmlrpc.client.ServerProxy("http://localhost", transport=transport).supervisor


def states(supervisor, names: list[str]) -> dict[str, str]:
    there = {process["name"]: process["statename"] for process in supervisor.getAllProcessInfo()}
    return {name: there[name] for name in names if name in there}


def wait(supervisor, names: list[str], settled, timeout: int) -> dict[str, str]:
    """Poll until `settled(states)` or the deadline; return the last states."""
    deadline = time.monotonic() + timeout
    while True:
        current = states(supervisor, names)
        if settled(current) or time.monotonic() > deadline:
            return current
        time.sleep(0.1)


def start(supervisor, names: list[str], timeout: int) -> dict[str, str]:
    supervisor.reloadConfig()
    there = states(supervisor, names)
    for name in names:
        if name not in there:
            supervisor.addProcessGroup(name)
        if there.get(name) not in (None, "RUNNING", "STARTING"):
            supervisor.startProcess(name, False)
    return wait(supervisor, names, lambda now: all(now.get(name) in ("RUNNING", "FATAL") for name in names), timeout)


def remove(supervisor, names: list[str], timeout: int) -> dict[str, str]:
    for name in states(supervisor, names):
        supervisor.stopProcessGroup(name, False)
    left = wait(supervisor, names, lambda now: not set(now.values()) & set(GOING_DOWN), timeout)
    if not set(left.values()) & set(GOING_DOWN):
        for name in left:
            supervisor.removeProcessGroup(name)
        supervisor.reloadConfig()
        left = {}
    return left


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "state": {"type": "str", "choices": ["started", "absent"], "required": True},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    names, timeout = module.params["names"], module.params["timeout"]
    supervisor = connect()
    before = states(supervisor, names)
    if module.params["state"] == "started":
        changed = any(before.get(name) != "RUNNING" for name in names)
        after = before if module.check_mode else start(supervisor, names, timeout)
        failed = [name for name in names if after.get(name) != "RUNNING"]
        complaint = "doesn't start"
    else:
        changed = bool(before)
        after = before if module.check_mode else remove(supervisor, names, timeout)
        failed, complaint = sorted(after), f"didn't end within {timeout} s"
    if failed and not module.check_mode:
        tail = supervisor.tailProcessStdoutLog(failed[0], 0, 2000)[0] if failed[0] in after else ""
        module.fail_json(
            msg=f"{', '.join(failed)} {complaint} ({after.get(failed[0], 'unknown to supervisor')}). "
            f"Last of {failed[0]}'s log:\n{tail}",
            states=after,
        )
    module.exit_json(changed=changed, states=after)


if __name__ == "__main__":
    main()
