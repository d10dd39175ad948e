"""What pre-flight and the roles must know of a host, in one quick look; changes nothing."""

from __future__ import annotations

import ipaddress
import json
import os
import platform
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: fleet_host
short_description: What pre-flight and the roles must know of a host
description:
  - The few facts that are needed, in a twentieth of the time that C(setup) takes for its own.
options: {}
"""

RETURN = r"""
host:
  returned: always
  type: dict
  contains:
    distribution: {description: Debian., type: str}
    version: {description: "13.", type: str}
    arch: {description: x86_64., type: str}
    python: {description: "3.13.", type: str}
    epoch: {description: The host's clock in seconds since the epoch., type: float}
    memory_mb: {description: All of its memory in MiB., type: int}
    memory_free_mb: {description: What programs can still get in MiB., type: int}
    disk_free_mb: {description: Free in the file system of /opt in MiB., type: int}
    networks: {description: Its IPv4 networks., type: list}
    interfaces: {description: Address to interface., type: dict}
"""


def os_release() -> dict[str, str]:
    lines = Path("/etc/os-release").read_text("utf-8").replace('"', "").splitlines()
    return dict(line.partition("=")[::2] for line in lines if "=" in line)


def memory() -> dict[str, int]:
    """Entries of /proc/meminfo in MiB."""
    lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
    return {line.split(":")[0]: int(line.split()[1]) // 1024 for line in lines}


def addresses(module: AnsibleModule) -> list[tuple[str, str, int]]:
    """Interface, address and prefix length of each IPv4 address."""
    links = json.loads(module.run_command(["ip", "-json", "-4", "address"], check_rc=True)[1])
    return [(link["ifname"], one["local"], one["prefixlen"]) for link in links for one in link.get("addr_info", [])]


def main() -> None:
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    release, meminfo, there = os_release(), memory(), addresses(module)
    disk = os.statvfs("/opt")
    module.exit_json(
        changed=False,
        host={
            "distribution": {"debian": "Debian"}.get(release["ID"], release["ID"]),
            "version": release.get("VERSION_ID", "unstable"),
            "arch": platform.machine(),
            "python": ".".join(platform.python_version_tuple()[:2]),
            "epoch": time.time(),
            "memory_mb": meminfo["MemTotal"],
            "memory_free_mb": meminfo["MemAvailable"],
            "disk_free_mb": disk.f_bavail * disk.f_frsize // 2**20,
            "networks": sorted(
                {str(ipaddress.ip_interface(f"{address}/{length}").network) for _, address, length in there}
            ),
            "interfaces": {address: name for name, address, _ in there},
        },
    )


if __name__ == "__main__":
    main()
