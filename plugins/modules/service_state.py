"""What instances should be: taking calls, or leaving them to others."""

from __future__ import annotations

import http.client
import json
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.service_programs import configured, desired_state, write_state
from ansible.module_utils.supervisor_control import WHILE_SERVING, connect, set_niceness

DOCUMENTATION = r"""
module: service_state
short_description: What instances should be, which they follow
description:
  - C(admitted) gives them the priority of all that answer calls, and waits until each says so on /ready, by its own id
    and with status 200. C(draining) doesn't wait for anything (see C(haproxy_drained) and C(service_drained)).
options:
  state: {description: What they should be., type: str, choices: [admitted, draining], required: true}
  programs: {description: Their programs., type: list, elements: str, required: true}
  address: {description: Address of the instances., type: str, required: true}
  host: {description: "The host's name in their ids, PROGRAM@HOST.", type: str, required: true}
  timeout: {description: Seconds., type: int, default: 30}
"""


def objection(address: str, port: int, instance: str) -> str:
    """Why the instance doesn't count as taking calls; empty if it does."""
    connection = http.client.HTTPConnection(address, port, timeout=5)
    try:
        connection.request("GET", "/ready")
        answer = connection.getresponse()
        said = json.loads(answer.read())
        if said.get("instance") != instance:
            return f"on port {port} answers {said.get('instance')}"
        return "" if answer.status == http.client.OK else str(said.get("reason") or f"status {answer.status}")
    except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
        return f"it doesn't answer on port {port} ({error})"
    finally:
        connection.close()


def await_admitted(module: AnsibleModule, wanted: dict) -> None:
    """Return when each says that it takes calls; end the task with who doesn't when time is up."""
    began = time.monotonic()
    left = {one["program"]: one["port"] for one in configured() if one["program"] in wanted["programs"]}
    while True:
        asked = {name: objection(wanted["address"], port, f"{name}@{wanted['host']}") for name, port in left.items()}
        left = {name: port for name, port in left.items() if asked[name]}
        if not left:
            return
        if time.monotonic() - began > wanted["timeout"]:
            who = "; ".join(f"{name}: {asked[name]}" for name in left)
            module.fail_json(msg=f"Not ready {wanted['timeout']} s after they were admitted. {who}")
        time.sleep(0.1)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["admitted", "draining"], "required": True},
            "programs": {"type": "list", "elements": "str", "required": True},
            "address": {"type": "str", "required": True},
            "host": {"type": "str", "required": True},
            "timeout": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    if module.check_mode:
        module.exit_json(changed=any(desired_state(name) != wanted["state"] for name in wanted["programs"]))
    if wanted["state"] == "admitted":
        set_niceness(connect(), wanted["programs"], WHILE_SERVING)
    changed = [write_state(name, wanted["state"]) for name in wanted["programs"]]
    if wanted["state"] == "admitted":
        await_admitted(module, wanted)
    module.exit_json(changed=any(changed))


if __name__ == "__main__":
    main()
