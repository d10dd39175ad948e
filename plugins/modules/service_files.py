"""The files of service instances on one host: all of an instance's, or none."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.service_programs import FILES, STATES

DOCUMENTATION = r"""
module: service_files
short_description: The files of service instances on one host
description:
  - An instance has its Nameko configuration, what it should be (probation, admitted, draining), a supervisor program,
    and the SHA-1s of configuration and program as they were written, so that one edited by hand is known
    (see C(service_instances)). Each file appears whole, the program last.
options:
  service: {description: The service., type: str, required: true}
  programs: {description: The instances' programs., type: list, elements: str, required: true}
  state:
    description:
      - C(present) writes all files of the one program that is named. C(unlisted) removes its supervisor program, so
        that no reboot starts it, and C(absent) all the rest too.
    type: str
    choices: [present, unlisted, absent]
    required: true
  group: {description: Who may read the configuration., type: str, default: ''}
  configuration: {description: Its content., type: str, default: ''}
  program: {description: The supervisor program's content., type: str, default: ''}
  instance_state: {description: What the instance should be., type: str, default: probation}
"""


def paths(service: str, program: str) -> dict[str, Path]:
    """Where an instance's files are, in the order in which they are written."""
    return {
        "configuration": Path(f"/etc/fleet/{service}/{program}.yml"),
        "state": Path(f"{STATES}/{program}.state"),
        "record": Path(f"{STATES}/{program}.sha1"),
        "program": Path(f"{FILES}/{program}.conf"),
    }


def write(path: Path, content: str, mode: int, group: str = "") -> bool:
    """Have the file say this, in one step; whether it said something else."""
    if path.is_file() and path.read_text("utf-8") == content and path.stat().st_mode & 0o777 == mode:
        return False
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        os.fchmod(file.fileno(), mode)
        if group:
            shutil.chown(name, group=group)
    Path(name).rename(path)
    return True


def folder(path: Path, group: str) -> None:
    path.mkdir(exist_ok=True)
    shutil.chown(path, group=group)
    path.chmod(0o750)


def present(wanted: dict) -> bool:
    (program,) = wanted["programs"]
    where = paths(wanted["service"], program)
    contents = (wanted["configuration"], wanted["program"])
    digests = [hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest() for content in contents]
    folder(where["configuration"].parent, wanted["group"])
    written = [
        write(where["configuration"], wanted["configuration"], 0o640, wanted["group"]),
        write(where["state"], f"{wanted['instance_state']}\n", 0o644),
        write(where["record"], f"{' '.join(digests)}\n", 0o644),
        write(where["program"], wanted["program"], 0o644),
    ]
    return any(written)


def remove(where: list[Path], *, check: bool) -> bool:
    there = [path for path in where if path.exists()]
    for path in [] if check else there:
        path.unlink()
    return bool(there)


def main() -> None:
    text = {"type": "str", "default": ""}
    module = AnsibleModule(
        argument_spec={
            "service": {"type": "str", "required": True},
            "programs": {"type": "list", "elements": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "unlisted", "absent"], "required": True},
            "group": text,
            "configuration": {**text, "no_log": True},
            "program": text,
            "instance_state": {"type": "str", "default": "probation"},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    if wanted["state"] == "present":
        module.exit_json(changed=module.check_mode or present(wanted))
    found = [paths(wanted["service"], program) for program in wanted["programs"]]
    gone = [path for one in found for name, path in one.items() if wanted["state"] == "absent" or name == "program"]
    module.exit_json(changed=remove(gone, check=module.check_mode))


if __name__ == "__main__":
    main()
