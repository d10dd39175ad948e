"""New instances prove themselves before they take a call: by their release's own smoke calls; changes nothing."""

from __future__ import annotations

import json

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: service_proof
short_description: New instances prove themselves before they take a call
description:
  - Runs the release's own prover (C(python -m chassis.prove)) as the service's user. It calls each instance on a queue
    and an address of its own, so that no user's call goes there.
options:
  python: {description: The release's Python., type: path, required: true}
  module: {description: "The service's module, such as C(greeting.service).", type: str, required: true}
  user: {description: The service's user., type: str, required: true}
  configurations: {description: The instances' configuration files., type: list, elements: path, required: true}
  timeout: {description: Seconds within which all must have proven themselves., type: int, default: 30}
  settle: {description: Seconds that they must have lived by then., type: int, default: 5}
"""

RETURN = r"""
proofs:
  returned: always
  type: list
  description: By instance C(id), C(ok), C(reason), C(seconds), C(smoke) (passed, failed, none) and its C(calls).
"""

GRACE = 20  # seconds beyond its own deadline that the prover may take to start and to end


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "python": {"type": "path", "required": True},
            "module": {"type": "str", "required": True},
            "user": {"type": "str", "required": True},
            "configurations": {"type": "list", "elements": "path", "required": True},
            "timeout": {"type": "int", "default": 30},
            "settle": {"type": "int", "default": 5},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    # Calls are answered meanwhile, and come first. Without eventlet's resolver, which takes as long to load as all the
    # rest and has nothing to do for addresses, it starts in half the time.
    command = ["env", "EVENTLET_NO_GREENDNS=yes", "nice", "timeout", str(wanted["timeout"] + GRACE)]
    command += ["runuser", "-u", wanted["user"], "--"]
    command += [wanted["python"], "-m", "chassis.prove", "--module", wanted["module"]]
    command += ["--timeout", str(wanted["timeout"]), "--settle", str(wanted["settle"]), *wanted["configurations"]]
    code, out, err = module.run_command(command, cwd="/var/lib/fleet")
    try:
        proofs = json.loads(out)["instances"]
    except (ValueError, KeyError, TypeError):
        said = " ".join((err or out).split())[-500:]
        module.fail_json(
            msg=f"The prover of the release ended with status {code}: {said or 'it says nothing'}.", proofs=[]
        )
    reasons = [one["reason"] for one in proofs if not one["ok"]]
    if code or reasons:
        module.fail_json(msg=" ".join(reasons) or f"The prover ended with status {code}.", proofs=proofs)
    module.exit_json(changed=False, proofs=proofs)


if __name__ == "__main__":
    main()
