"""A running Redis or Sentinel has the desired settings, and keeps them in its own file."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.resp import Connection, RedisError, pairs

DOCUMENTATION = r"""
module: redis_settings
short_description: A running Redis or Sentinel has the desired settings
description:
  - Redis and Sentinel rewrite their configuration files themselves, at every failover. So the file is
    rendered once, and from then on what runs is compared with what is desired and set at runtime,
    without a restart.
options:
  address: {description: Address it listens on., type: str, required: true}
  kind: {description: What listens there., type: str, choices: [redis, sentinel], required: true}
  user: {description: A Redis user with all rights; Sentinels know only a password., type: str, default: ''}
  password: {description: The password., type: str, required: true}
  monitors: {description: For a Sentinel, the name that it monitors., type: str, default: ''}
  settings: {description: Names and values as CONFIG GET or SENTINEL MASTER print them., type: dict, required: true}
"""

RETURN = r"""
differences: {description: "Names of the settings that differ, never values.", type: list, returned: always}
"""

# SENTINEL MASTER and SENTINEL SET disagree on no name that we use, but it doesn't show passwords.
PORTS = {"redis": 6379, "sentinel": 26379}


def current_settings(connection: Connection, wanted: dict) -> dict:
    if wanted["kind"] == "sentinel":
        return pairs(connection.command("SENTINEL", "MASTER", wanted["monitors"]))
    return pairs(connection.command("CONFIG", "GET", *wanted["settings"]))


def apply(connection: Connection, wanted: dict, names: list[str]) -> None:
    for name in names:
        if wanted["kind"] == "sentinel":
            connection.command("SENTINEL", "SET", wanted["monitors"], name, wanted["settings"][name])
        else:
            connection.command("CONFIG", "SET", name, wanted["settings"][name])
    if names and wanted["kind"] == "redis":
        connection.command("CONFIG", "REWRITE")


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "address": {"type": "str", "required": True},
            "kind": {"type": "str", "choices": sorted(PORTS), "required": True},
            "user": {"type": "str", "default": ""},
            "password": {"type": "str", "required": True, "no_log": True},
            "monitors": {"type": "str", "default": ""},
            "settings": {"type": "dict", "required": True, "no_log": True},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    try:
        with Connection(wanted["address"], PORTS[wanted["kind"]], wanted["user"], wanted["password"]) as connection:
            current = current_settings(connection, wanted)
            differences = sorted(name for name, value in wanted["settings"].items() if current.get(name) != str(value))
            if not module.check_mode:
                apply(connection, wanted, differences)
    except RedisError as error:
        module.fail_json(msg=f"The {wanted['kind']} on {wanted['address']} doesn't take its settings: {error}")
    module.exit_json(changed=bool(differences), differences=differences)


if __name__ == "__main__":
    main()
