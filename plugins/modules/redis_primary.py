"""Who is the primary, asked of the Sentinels; changes nothing."""

from __future__ import annotations

from collections import Counter

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.resp import Connection, RedisError

DOCUMENTATION = r"""
module: redis_primary
short_description: Who is the Redis primary
description:
  - Asks every Sentinel, then, when none knows, every Redis for its role. Only when nobody answers, as on
    a fleet that is being made, is it the first of the addresses. Nothing is derived from the inventory's
    order on a fleet that runs, so that a run after a failover does not fight it.
options:
  addresses: {description: Addresses of all Redis hosts., type: list, elements: str, required: true}
  name: {description: The name under which Sentinels monitor it., type: str, required: true}
  sentinel_password: {description: Password of the Sentinels., type: str, required: true}
  user: {description: A Redis user that may ask for ROLE., type: str, required: true}
  password: {description: Its password., type: str, required: true}
"""

RETURN = r"""
address: {description: The primary's address., type: str, returned: always}
known_by: {description: "C(sentinel), C(role) or C(nobody).", type: str, returned: always}
"""


def ask_sentinel(address: str, name: str, password: str) -> str | None:
    try:
        with Connection(address, 26379, password=password, timeout=2) as sentinel:
            answer = sentinel.command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", name)
            return answer[0] if answer else None
    except RedisError:
        return None


def role(address: str, user: str, password: str) -> str | None:
    """`master` or `slave`; None when nothing answers."""
    try:
        with Connection(address, 6379, user, password, timeout=2) as redis:
            return redis.command("ROLE")[0]
    except RedisError:
        return None


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "addresses": {"type": "list", "elements": "str", "required": True},
            "name": {"type": "str", "required": True},
            "sentinel_password": {"type": "str", "required": True, "no_log": True},
            "user": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
        },
        supports_check_mode=True,
    )
    wanted = module.params
    roles = {host: role(host, wanted["user"], wanted["password"]) for host in wanted["addresses"]}
    primaries = [host for host, found in roles.items() if found == "master"]
    replicas = [host for host, found in roles.items() if found == "slave"]
    named = [ask_sentinel(host, wanted["name"], wanted["sentinel_password"]) for host in wanted["addresses"]]
    votes = Counter(filter(None, named))
    if votes:
        address, known_by = votes.most_common(1)[0][0], "sentinel"
    elif primaries:
        address, known_by = primaries[0], "role"
    else:
        address, known_by = wanted["addresses"][0], "nobody"
    if len(primaries) > 1 and not votes:
        module.fail_json(
            msg=f"{' and '.join(primaries)} all say that they are the Redis primary, and no Sentinel answers: "
            "start redis-sentinel on the core hosts (`systemctl start redis-sentinel`), then deploy again."
        )
    if replicas and roles.get(address) is None:
        # An empty Redis started there as primary would be copied over the replicas that have the data.
        module.fail_json(
            msg=f"{address} should be the Redis primary but doesn't answer, while {', '.join(replicas)} has the data: "
            f"start Redis there, or wait until the Sentinels have chosen another primary (`redis-cli -p 26379 "
            f"sentinel failover {wanted['name']}` on a core host hurries them), then deploy again."
        )
    module.exit_json(changed=False, address=address, known_by=known_by)


if __name__ == "__main__":
    main()
