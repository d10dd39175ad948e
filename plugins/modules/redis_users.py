"""A running Redis has the users of its ACL file."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.resp import Connection, RedisError

DOCUMENTATION = r"""
module: redis_users
short_description: A running Redis has the users of its ACL file
description:
  - The file must be written as C(ACL LIST) prints it, so that the two can be compared line by line.
options:
  address: {description: Address that Redis listens on., type: str, required: true}
  user: {description: A Redis user with all rights., type: str, required: true}
  password: {description: Its password., type: str, required: true}
  path: {description: The ACL file on this host., type: path, required: true}
"""

RETURN = r"""
differences: {description: Names of users that are missing or other or too many., type: list, returned: always}
"""


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "address": {"type": "str", "required": True},
            "user": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
            "path": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    lines = Path(wanted["path"]).read_text("utf-8").splitlines()
    desired = {line for line in lines if line.startswith("user ")}
    try:
        with Connection(wanted["address"], 6379, wanted["user"], wanted["password"]) as redis:
            differing = desired ^ set(redis.command("ACL", "LIST"))
            if differing and not module.check_mode:
                redis.command("ACL", "LOAD")
    except RedisError as error:
        module.fail_json(msg=f"Redis on {wanted['address']} doesn't take the users of {wanted['path']}: {error}")
    module.exit_json(changed=bool(differing), differences=sorted({line.split()[1] for line in differing}))


if __name__ == "__main__":
    main()
