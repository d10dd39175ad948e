"""Wait until a balancer sends nothing more to the named servers; changes nothing."""

from __future__ import annotations

import csv
import io
import socket
import time

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: haproxy_drained
short_description: Wait until a balancer sends nothing more to the named servers
description:
  - A server counts as drained when HAProxy's own check has seen it draining (404 on /ready) or down, and
    no request of this balancer is left on it. A host whose HAProxy doesn't run sends nothing to anybody.
options:
  backend: {description: The backend., type: str, required: true}
  servers: {description: Its servers., type: list, elements: str, required: true}
  timeout: {description: Seconds., type: int, default: 60}
"""

RETURN = r"""
waited: {description: Seconds until they were drained., type: float, returned: success}
"""


ADMIN = "/run/haproxy/admin.sock"


def serving(backend: str, servers: list[str]) -> dict[str, str]:
    """The servers that still take or finish requests, with HAProxy's word for each."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        try:
            connection.connect(ADMIN)
        except (FileNotFoundError, ConnectionRefusedError):  # it isn't installed yet, or has ended
            return {}
        connection.sendall(b"show stat\n")
        text = connection.makefile(encoding="utf-8").read()
    rows = csv.DictReader(io.StringIO(text.removeprefix("# ")))
    return {
        row["svname"]: f"{row['status']}, {row['scur']} requests"
        for row in rows
        if row["pxname"] == backend
        and row["svname"] in servers
        and (row["status"].startswith("UP") or int(row["scur"]))
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "backend": {"type": "str", "required": True},
            "servers": {"type": "list", "elements": "str", "required": True},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    wanted, began = module.params, time.monotonic()
    if module.check_mode:  # nobody was told to drain
        module.exit_json(changed=False, waited=0.0)
    while left := serving(wanted["backend"], wanted["servers"]):
        if time.monotonic() - began > wanted["timeout"]:
            module.fail_json(
                msg=f"Not drained after {wanted['timeout']} s: {left}. Long calls? See /var/log/fleet on their host."
            )
        time.sleep(0.2)
    module.exit_json(changed=False, waited=time.monotonic() - began)


if __name__ == "__main__":
    main()
