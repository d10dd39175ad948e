"""Sample what the service instances of one app host count, while a roll goes on."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from ansible.module_utils import service_samples
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.service_programs import FILES, STATES

DOCUMENTATION = r"""
module: service_sampler
short_description: Sample what the service instances of one app host count, while a roll goes on
description:
  - A process of its own asks each instance of the named services for C(/metrics) and writes what it counted, as one
    line of JSON each time. It outlives the connection, and ends by itself.
  - There is one process a roll and host; a second C(started) changes nothing. What is older than a day is removed.
options:
  state:
    description: >-
      C(started), C(read) what there is so far, or C(stopped), which returns what there is and removes it.
    type: str
    choices: [started, read, stopped]
    required: true
  roll: {description: "The roll's id: letters, digits, dots, underscores, hyphens.", type: str, required: true}
  address: {description: Address of the instances., type: str, default: 127.0.0.1}
  services: {description: Whose instances., type: list, elements: str, default: []}
  every: {description: Seconds between two samples., type: float, default: 1.0}
  max_seconds: {description: The process ends after so many., type: float, default: 3600.0}
  since: {description: Return samples from here on (epoch seconds)., type: float, default: 0.0}
  folder: {description: Where samples are kept., type: path, default: /var/lib/fleet/samples}
"""

RETURN = r"""
samples:
  returned: when read or stopped
  type: list
  description: >-
    At most about 600, evenly thinned. Each has C(at) (epoch seconds) and C(instances): C(program), C(service),
    C(release), C(revision), C(state), C(answered), and since the process began at C(started): C(calls), C(errors)
    (answers but C(ok), HTTP statuses from 500 on), C(seconds) (the sum of durations), C(outcomes), C(buckets) (calls
    that took up to so many seconds).
running: {description: Whether the process still samples., type: bool, returned: always}
problem: {description: The last thing that went wrong in it., type: str, returned: always}
"""

ROLL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def start(path: Path, wanted: dict, *, check: bool) -> dict:
    """What the module answers to `started`."""
    if check:
        return {"changed": not service_samples.running(path.with_suffix(".pid"))}
    path.parent.mkdir(parents=True, exist_ok=True)
    service_samples.remove_old(path.parent)
    options = {name: wanted[name] for name in ("address", "services", "every", "max_seconds")}
    return {"changed": service_samples.start(path, {**options, "files": FILES, "states": STATES})}


def stop(path: Path, since: float, *, check: bool) -> dict:
    """What the module answers to `stopped`."""
    if check:
        return {"changed": path.exists(), "samples": service_samples.lines(path, since)}
    lived = service_samples.stop(path)
    answer = {
        "changed": lived or path.exists(),
        "samples": service_samples.lines(path, since),
        "problem": service_samples.problem(path),
    }
    service_samples.remove(path)
    return answer


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["started", "read", "stopped"], "required": True},
            "roll": {"type": "str", "required": True},
            "address": {"type": "str", "default": "127.0.0.1"},
            "services": {"type": "list", "elements": "str", "default": []},
            "every": {"type": "float", "default": 1.0},
            "max_seconds": {"type": "float", "default": 3600.0},
            "since": {"type": "float", "default": 0.0},
            "folder": {"type": "path", "default": "/var/lib/fleet/samples"},
        },
        supports_check_mode=True,
    )
    wanted, check = module.params, module.check_mode
    if not ROLL.fullmatch(wanted["roll"]):
        module.fail_json(
            msg=f"{wanted['roll']!r} can't be a roll's id: give it letters, digits, dots, underscores and hyphens."
        )
    path = Path(wanted["folder"]) / f"{wanted['roll']}.jsonl"
    if wanted["state"] == "started":
        try:
            answer = start(path, wanted, check=check)
        except subprocess.SubprocessError:
            module.fail_json(msg=f"The process that samples didn't start: {service_samples.problem(path)}")
    elif wanted["state"] == "stopped":
        answer = stop(path, wanted["since"], check=check)
    else:
        answer = {"changed": False, "samples": service_samples.lines(path, wanted["since"])}
    running = bool(service_samples.running(path.with_suffix(".pid")))
    module.exit_json(**{"running": running, "problem": service_samples.problem(path), **answer})


if __name__ == "__main__":
    main()
