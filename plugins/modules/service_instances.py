"""The service instances of one app host and the releases installed on it; changes nothing."""

from __future__ import annotations

import hashlib
import http.client
import re
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.service_programs import PROGRAM, configured, paths
from ansible.module_utils.supervisor_control import connect

DOCUMENTATION = r"""
module: service_instances
short_description: The service instances of one app host and the releases installed on it
description:
  - What supervisor has files for, with what supervisor says of each process. A host without supervisor has
    none, which is an answer and not an error.
options:
  ask: {description: Address at which to ask each instance for /ready; nobody is asked without., type: str, default: ''}
"""

RETURN = r"""
instances:
  returned: always
  type: list
  description: >-
    Dictionaries with C(program), C(service), C(release), C(slot), C(number), C(revision) (empty when its files are not
    what the deployment wrote), C(address), C(port), C(process) (supervisor's word, RUNNING or another), C(state)
    (probation, admitted, held, draining), and, when asked, C(ready), the HTTP status of its answer, 0 for none.
staged: {description: "By service, each installed release and its manifest's SHA-256.", type: dict, returned: always}
"""


def process_states() -> dict[str, str]:
    try:
        return {process["name"]: process["statename"] for process in connect().getAllProcessInfo()}
    except (ImportError, OSError):
        return {}


def is_as_written(files: list[Path], record: Path) -> bool:
    """Whether the files have the SHA-1s that the deployment recorded of them, in that order."""
    try:
        found = [hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest() for path in files]
        return record.read_text("utf-8").split() == found
    except FileNotFoundError:
        return False


def ready(address: str, port: int) -> int:
    """HTTP status of the instance's /ready; 0 when none comes within two seconds."""
    connection = http.client.HTTPConnection(address, port, timeout=2)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def orphan(name: re.Match, process: str) -> dict:
    """A program whose file is gone while supervisor still runs it, as a deployment that died leaves it."""
    known = {"revision": "", "address": "", "port": 0, "process": process, "state": "draining"}
    return {**name.groupdict(), "number": int(name["number"]), **known}


def instances() -> list[dict]:
    found, states = [], process_states()
    for one in configured():
        where, path = paths(one["service"], one["program"]), one.pop("file")
        written = is_as_written([where["configuration"], path], where["record"])
        process = states.get(one["program"], "UNKNOWN")
        found.append({**one, "revision": one["revision"] if written else "", "process": process})
    with_file = {one["program"] for one in found}
    others = (PROGRAM.fullmatch(f"program:{program}") for program in sorted(set(states) - with_file))
    return found + [orphan(name, states[name["program"]]) for name in others if name]


def staged() -> dict[str, dict[str, str]]:
    releases: dict[str, dict[str, str]] = {}
    for path in sorted(Path("/opt/fleet").glob("*/*/manifest.json")):
        service, release = path.parts[-3:-1]
        releases.setdefault(service, {})[release] = hashlib.sha256(path.read_bytes()).hexdigest()
    return releases


def main() -> None:
    module = AnsibleModule(argument_spec={"ask": {"type": "str", "default": ""}}, supports_check_mode=True)
    found, address = instances(), module.params["ask"]
    if address:
        found = [{**one, "ready": ready(address, one["port"])} for one in found]
    module.exit_json(changed=False, instances=found, staged=staged())


if __name__ == "__main__":
    main()
