"""How the daemons of one host are; changes nothing."""

from __future__ import annotations

import json

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.resp import Connection, RedisError

DOCUMENTATION = r"""
module: fleet_status
short_description: How the daemons of one host are
description:
  - What doesn't answer is reported as null rather than as an error, so that one broken part hides no other.
options:
  address: {description: The host's address., type: str, required: true}
  vip: {description: The virtual IP., type: str, required: true}
  units: {description: systemd units to report., type: list, elements: str, required: true}
  redis: {description: Whether Redis and Sentinel should be here., type: bool, required: true}
  redis_password: {description: Of the Redis user C(monitor)., type: str, required: true}
  sentinel_password: {description: Of the Sentinel., type: str, required: true}
  sentinel_name: {description: The name that it monitors., type: str, required: true}
"""

RETURN = r"""
vip: {description: Whether the host holds the virtual IP., type: bool, returned: always}
units: {description: Unit to systemd's ActiveState., type: dict, returned: always}
redis: {description: "Role, connected replicas, link to the primary; or null.", type: dict, returned: always}
sentinel: {description: "The C(primary) that the Sentinel names, or null.", type: dict, returned: always}
"""


def redis_role(address: str, password: str) -> dict | None:
    try:
        with Connection(address, 6379, "monitor", password) as redis:
            answer = redis.command("ROLE")
    except RedisError:
        return None
    if answer[0] == "master":
        return {"role": "master", "replicas": len(answer[2]), "link": None}
    return {"role": answer[0], "replicas": 0, "link": answer[3]}


def sentinel_primary(address: str, password: str, name: str) -> dict | None:
    try:
        with Connection(address, 26379, password=password) as sentinel:
            answer = sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
    except RedisError:
        return None
    return {"primary": answer[0]} if answer else None


def holds(module: AnsibleModule, address: str) -> bool:
    links = json.loads(module.run_command(["ip", "-json", "address"], check_rc=True)[1])
    return any(one.get("local") == address for link in links for one in link.get("addr_info", []))


def main() -> None:
    text = {"type": "str", "required": True}
    secret = {**text, "no_log": True}
    module = AnsibleModule(
        argument_spec={
            "address": text,
            "vip": text,
            "units": {"type": "list", "elements": "str", "required": True},
            "redis": {"type": "bool", "required": True},
            "redis_password": secret,
            "sentinel_password": secret,
            "sentinel_name": text,
        },
        supports_check_mode=True,
    )
    wanted = module.params
    asked = wanted["redis"]
    module.exit_json(
        changed=False,
        vip=holds(module, wanted["vip"]),
        units={unit: module.run_command(["systemctl", "is-active", unit])[1].strip() for unit in wanted["units"]},
        redis=redis_role(wanted["address"], wanted["redis_password"]) if asked else None,
        sentinel=(
            sentinel_primary(wanted["address"], wanted["sentinel_password"], wanted["sentinel_name"]) if asked else None
        ),
    )


if __name__ == "__main__":
    main()
