"""What an inventory says, read as Ansible reads it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from fleet.errors import FleetError
from fleet.paths import ROOT, shown


@dataclass(frozen=True)
class Inventory:
    """Hosts and their variables; values that are templates stay templates."""

    path: Path
    groups: dict[str, list[str]]  # group to its own hosts
    hostvars: dict[str, dict]

    def variable(self, name: str, group: str) -> object:
        """A variable as it is on the first host of a group, None where it isn't set.

        Raises:
            FleetError: the group has no host.
        """
        hosts = self.groups.get(group)
        if not hosts:
            raise FleetError(f"{shown(self.path)} has no host in the group {group}: list one there.")
        return self.hostvars[hosts[0]].get(name)


def load(path: Path) -> Inventory:
    """Read an inventory file with its group_vars.

    Raises:
        FleetError: there is no such file, or Ansible can't read it or decrypt its secrets.
    """
    if not path.is_file():
        valid = ", ".join(sorted(shown(one) for one in (ROOT / "inventory").glob("*.yml")))
        raise FleetError(f"There is no inventory {shown(path)}: name a file with INVENTORY=, valid: {valid}.")
    # From the repository, for the sake of its ansible.cfg; this environment's, whatever the PATH.
    command = [str(Path(sys.executable).with_name("ansible-inventory")), "--inventory", str(path.absolute()), "--list"]
    environment = {**os.environ, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if result.returncode:
        reason = " ".join(result.stderr.rpartition("[ERROR]: ")[2].split())
        see = f"`ansible-inventory --inventory {shown(path)} --list`"
        raise FleetError(f"Ansible can't read the inventory {shown(path)}; type {see} to see why ({reason}).")
    content = json.loads(result.stdout)
    hostvars = content.pop("_meta")["hostvars"]
    groups = {name: group.get("hosts", []) for name, group in content.items()}
    # Ansible leaves out hosts that have no variables.
    without = {host: {} for hosts in groups.values() for host in hosts}
    return Inventory(path=path, groups=groups, hostvars={**without, **hostvars})
