"""The cluster's users, permissions and virtual hosts are those of one document."""

from __future__ import annotations

import json
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: rabbitmq_definitions
short_description: The cluster's users, permissions and virtual hosts are those of one document
description:
  - Compares the document with C(rabbitmqctl export_definitions) and imports it when they differ, then
    deletes users that are not in it. Passwords travel as salted hashes in a file, never on a command
    line (community.rabbitmq's rabbitmq_user puts them there and knows no check mode).
options:
  path: {description: The definitions document on this host., type: path, required: true}
"""

RETURN = r"""
differences: {description: "Kinds and names of what differs, without secrets.", type: list, returned: always}
"""

KEYS = {"users": ("name",), "vhosts": ("name",), "permissions": ("user", "vhost")}


def by_key(document: dict, kind: str) -> dict[tuple, dict]:
    return {tuple(entry[key] for key in KEYS[kind]): entry for entry in document.get(kind, [])}


def covers(running: object, desired: object) -> bool:
    """Whether `running` says all that `desired` says; it may say more (defaults that the broker fills in)."""
    if isinstance(desired, dict):
        return isinstance(running, dict) and all(covers(running.get(key), value) for key, value in desired.items())
    return running == desired


def differences(running: dict, desired: dict) -> list[str]:
    """Names of what is missing or other in the running definitions, and of users that should not be there."""
    found = []
    for kind in KEYS:
        there = by_key(running, kind)
        found += [
            f"{kind} {'@'.join(key)}"
            for key, entry in by_key(desired, kind).items()
            if not covers(there.get(key), entry)
        ]
    return found + [f"surplus user {name}" for name in surplus_users(running, desired)]


def surplus_users(running: dict, desired: dict) -> list[str]:
    return sorted({user["name"] for user in running["users"]} - {user["name"] for user in desired["users"]})


def main() -> None:
    module = AnsibleModule(argument_spec={"path": {"type": "path", "required": True}}, supports_check_mode=True)
    path = module.params["path"]

    def rabbitmqctl(*arguments: str) -> str:
        return module.run_command(["rabbitmqctl", "--silent", *arguments], check_rc=True)[1]

    desired = json.loads(Path(path).read_text("utf-8"))
    running = json.loads(rabbitmqctl("export_definitions", "-"))
    found = differences(running, desired)
    if found and not module.check_mode:
        rabbitmqctl("import_definitions", path)
        for name in surplus_users(running, desired):
            rabbitmqctl("delete_user", name)
    module.exit_json(changed=bool(found), differences=found)


if __name__ == "__main__":
    main()
