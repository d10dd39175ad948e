"""A systemd unit that is enabled, runs, and runs with what its files say now."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: fleet_unit
short_description: A systemd unit that runs with what its files say now
description:
  - Compares what runs with what is desired, rather than what this run of Ansible has changed. A
    controller that dies between writing a file and restarting the unit leaves nothing behind that
    the next run would not see; a handler would die with its run.
  - A unit is out of date when one of its files was changed (ctime) after the unit last started or
    reloaded (systemd's StateChangeTimestamp, see systemctl(1) and org.freedesktop.systemd1(5)).
options:
  name: {description: The unit., type: str, required: true}
  files: {description: Files and folders that the unit reads., type: list, elements: str, required: true}
  on_change:
    description: What makes the unit read them again.
    type: str
    choices: [restarted, reloaded]
    required: true
"""

EXAMPLES = r"""
- name: HAProxy runs with its configuration
  fleet_unit: {name: haproxy, files: [/etc/haproxy], on_change: reloaded}
"""

RETURN = r"""
actions: {description: What was done (in check mode, what would be)., type: list, returned: always}
"""

PROPERTIES = ("ActiveState", "UnitFileState", "NeedDaemonReload", "StateChangeTimestamp", "LoadState")


def systemctl(module: AnsibleModule, *arguments: str) -> str:
    """Run systemctl; on failure end the task with its message and the unit's last log lines."""
    code, out, err = module.run_command(["systemctl", *arguments])
    if code:
        # The attempt itself has renewed the unit's timestamp: without this the next run would take it for done.
        for path in map(Path, module.params["files"]):
            if path.exists():
                os.utime(path)
        unit = module.params["name"]
        log = module.run_command(["journalctl", "-u", unit, "-n", "15", "--no-pager", "-o", "cat"])[1]
        module.fail_json(msg=f"systemctl {' '.join(arguments)} failed: {err.strip()}. Its log:\n{log}")
    return out


def properties(module: AnsibleModule) -> dict[str, str]:
    wanted = f"--property={','.join(PROPERTIES)}"
    out = systemctl(module, "show", "--timestamp=us+utc", wanted, module.params["name"])
    return dict(line.partition("=")[::2] for line in out.splitlines())


def last_change(timestamp: str) -> float:
    """Seconds since the epoch of systemd's 'Mon 2026-11-23 20:38:22.123456 UTC'; 0 when it has none."""
    if not timestamp:
        return 0.0
    moment = datetime.strptime(timestamp, "%a %Y-%m-%d %H:%M:%S.%f UTC")
    return moment.replace(tzinfo=UTC).timestamp()


def newest_change(paths: list[str]) -> float:
    """The latest ctime of the paths and of everything below them: seconds since the epoch."""
    there = [path for path in map(Path, paths) if path.exists()]
    everything = [*there, *(below for path in there if path.is_dir() for below in path.rglob("*"))]
    return max((path.lstat().st_ctime for path in everything), default=0.0)


def wanted_actions(unit: dict[str, str], newest: float, on_change: str) -> list[str]:
    """The systemctl verbs that bring the unit to what is desired, in order."""
    actions = []
    if unit["NeedDaemonReload"] == "yes":
        actions.append("daemon-reload")
    if unit["UnitFileState"] not in ("enabled", "static", "generated"):
        actions.append("enable")
    if unit["ActiveState"] not in ("active", "reloading"):
        actions.append("start")
    elif newest > last_change(unit["StateChangeTimestamp"]):
        actions.append({"restarted": "restart", "reloaded": "reload"}[on_change])
    return actions


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "files": {"type": "list", "elements": "str", "required": True},
            "on_change": {"type": "str", "choices": ["restarted", "reloaded"], "required": True},
        },
        supports_check_mode=True,
    )
    unit = properties(module)
    if unit["LoadState"] != "loaded" and not module.check_mode:
        module.fail_json(msg=f"There is no unit {module.params['name']} (systemd says: {unit['LoadState']}).")
    actions = wanted_actions(unit, newest_change(module.params["files"]), module.params["on_change"])
    if not module.check_mode:
        for action in actions:
            systemctl(module, action, *([] if action == "daemon-reload" else [module.params["name"]]))
    module.exit_json(changed=bool(actions), actions=actions)


if __name__ == "__main__":
    main()
