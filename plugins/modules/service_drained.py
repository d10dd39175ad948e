"""Wait until instances that drain have finished what they took; changes nothing."""

from __future__ import annotations

import http.client
import json
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.service_programs import configured

DOCUMENTATION = r"""
module: service_drained
short_description: Wait until instances that drain have finished what they took
description:
  - Asks each instance's /ready what it has in hand. One that doesn't answer, or has no program file any more, has
    nothing that could be waited for. When time is up, the task fails and says who is stuck on which call.
options:
  address: {description: Address of the instances., type: str, required: true}
  programs: {description: Their programs., type: list, elements: str, required: true}
  timeout: {description: Seconds., type: int, default: 60}
"""

RETURN = r"""
waited: {description: Seconds until they had finished., type: float, returned: success}
"""

SHOWN = 3  # calls that the message names of each instance


def in_hand(address: str, port: int) -> tuple[bool, list[dict]]:
    """Whether the instance still takes or has calls, and those that it names."""
    connection = http.client.HTTPConnection(address, port, timeout=2)
    try:
        connection.request("GET", "/ready")
        said = json.loads(connection.getresponse().read())
        return bool(said.get("taking") or said.get("in_hand")), said.get("calls", [])
    except (OSError, http.client.HTTPException, ValueError):
        return False, []
    finally:
        connection.close()


def stuck(program: str, calls: list[dict]) -> str:
    """Who is stuck on what, for the operator."""
    longest = [f"{call['method']} for {call['seconds']:.0f} s (call {call['call_id']})" for call in calls[:SHOWN]]
    return f"{program} on {', '.join(longest) or 'a call that it does not name'}"


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "address": {"type": "str", "required": True},
            "programs": {"type": "list", "elements": "str", "required": True},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    wanted, began = module.params, time.monotonic()
    if module.check_mode:  # nobody was told to drain
        module.exit_json(changed=False, waited=0.0)
    ports = {one["program"]: one["port"] for one in configured()}
    left = {program: ports[program] for program in wanted["programs"] if program in ports}
    while True:
        calls = {program: in_hand(wanted["address"], port) for program, port in left.items()}
        left = {program: port for program, port in left.items() if calls[program][0]}
        if not left:
            module.exit_json(changed=False, waited=time.monotonic() - began)
        if time.monotonic() - began > wanted["timeout"]:
            who = "; ".join(stuck(program, calls[program][1]) for program in left)
            module.fail_json(
                msg=f"Not finished after {wanted['timeout']} s: {who}. See /var/log/fleet there; nothing was ended."
            )
        time.sleep(0.2)


if __name__ == "__main__":
    main()
