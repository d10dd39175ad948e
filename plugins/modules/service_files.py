"""The files of a service instance on one host."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.service_programs import configured, paths, write

DOCUMENTATION = r"""
module: service_files
short_description: The files of a service instance on one host
description:
  - An instance has its Nameko configuration, what it should be (see C(service_instances)), a supervisor program,
    and the SHA-1s of configuration and program as they were written, so that one edited by hand is known.
    Each file appears whole, the program last. C(service_ended) removes them.
  - The secrets that a service's entry names are kept by revision, readable by root alone. A roll that is withdrawn, and
    a rollback, need those that a service had, and the controller may not have them any more.
options:
  service: {description: The service., type: str, required: true}
  name: {description: "The instance's program.", type: str, required: true}
  group: {description: Who may read the configuration., type: str, required: true}
  configuration: {description: "Its content, but for the secrets.", type: str, default: ''}
  revision: {description: What the instance is a revision of., type: str, default: ''}
  secrets: {description: "The service's own secrets, as YAML.", type: str, default: ''}
  as_kept: {description: Take those that were kept of the revision instead., type: bool, default: false}
  program: {description: The supervisor program's content., type: str, default: ''}
  instance_state: {description: What the instance should be., type: str, default: probation}
"""

KEPT = Path("/var/lib/fleet/kept")
KEPT_MAX = 20  # of each service, beside those that instances have: as many as the fleet's record goes back


def folder(path: Path, group: str) -> None:
    path.mkdir(exist_ok=True)
    shutil.chown(path, group=group)
    path.chmod(0o750)


def kept(wanted: dict) -> Path:
    """Where the secrets of the revision are kept."""
    return KEPT / wanted["service"] / f"{wanted['revision']}.yml"


def keep(file: Path, secrets: str) -> None:
    """Keep them there, and forget those of long ago that nobody has."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write(file, secrets, 0o600)
    file.touch()
    used = {f"{one['revision']}.yml" for one in configured()}
    others = [path for path in file.parent.iterdir() if path.name not in used]
    for old in sorted(others, key=lambda path: path.stat().st_mtime)[:-KEPT_MAX]:
        old.unlink()


def present(wanted: dict) -> bool:
    where = paths(wanted["service"], wanted["name"])
    secrets = kept(wanted).read_text("utf-8") if wanted["as_kept"] else wanted["secrets"]
    if secrets:
        keep(kept(wanted), secrets)
    configuration = wanted["configuration"] + secrets
    contents = (configuration, wanted["program"])
    digests = [hashlib.sha1(content.encode(), usedforsecurity=False).hexdigest() for content in contents]
    folder(where["configuration"].parent, wanted["group"])
    written = [
        write(where["configuration"], configuration, 0o640, wanted["group"]),
        write(where["state"], f"{wanted['instance_state']}\n", 0o644),
        write(where["record"], f"{' '.join(digests)}\n", 0o644),
        write(where["program"], wanted["program"], 0o644),
    ]
    return any(written)


def main() -> None:
    text = {"type": "str", "default": ""}
    module = AnsibleModule(
        argument_spec={
            "service": {"type": "str", "required": True},
            "name": {"type": "str", "required": True},
            "group": {"type": "str", "required": True},
            "configuration": {**text, "no_log": True},
            "revision": text,
            "secrets": {**text, "no_log": True},
            "as_kept": {"type": "bool", "default": False},
            "program": text,
            "instance_state": {"type": "str", "default": "probation"},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    if wanted["as_kept"] and not kept(wanted).is_file():
        module.fail_json(
            msg=f"This host has not kept the secrets that {wanted['service']} had as {wanted['revision']}: put "
            f"their old values under services.{wanted['service']} into your file of secrets, and type the same "
            "again; or `make abort`, if this was a withdrawal."
        )
    module.exit_json(changed=module.check_mode or present(wanted))


if __name__ == "__main__":
    main()
