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
options:
  asked:
    description: The controller's clock when it asks, as late as it can be told, to be given back.
    type: float
    default: 0.0
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
    asked: {description: As given., type: float}
    memory_mb: {description: All of its memory in MiB., type: int}
    memory_free_mb: {description: What programs can still get in MiB., type: int}
    disk_free_mb: {description: Free in the file system of /opt in MiB., type: int}
    var_free_mb:
      description: The least free below /var in MiB, null where all of it is in the file system of /opt.
      type: int
    networks: {description: Its IPv4 networks., type: list}
    gateways: {description: Where its IPv4 default routes lead., type: list}
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


def gateways(module: AnsibleModule) -> list[str]:
    routes = json.loads(module.run_command(["ip", "-json", "-4", "route", "show", "default"], check_rc=True)[1] or "[]")
    return [route["gateway"] for route in routes if "gateway" in route]


def free_mb(path: str) -> int:
    there = os.statvfs(path)
    return there.f_bavail * there.f_frsize // 2**20


def var_free_mb() -> int | None:
    """The least free among the file systems below /var that are not that of /opt."""
    paths = [path for path in ("/var", "/var/cache", "/var/lib", "/var/log") if Path(path).is_dir()]
    own = [path for path in paths if Path(path).stat().st_dev != Path("/opt").stat().st_dev]
    return min(map(free_mb, own), default=None)


def main() -> None:
    module = AnsibleModule(argument_spec={"asked": {"type": "float", "default": 0.0}}, supports_check_mode=True)
    release, meminfo, there = os_release(), memory(), addresses(module)
    module.exit_json(
        changed=False,
        host={
            "distribution": {"debian": "Debian"}.get(release["ID"], release["ID"]),
            "version": release.get("VERSION_ID", "unstable"),
            "arch": platform.machine(),
            "python": ".".join(platform.python_version_tuple()[:2]),
            "epoch": time.time(),
            "asked": module.params["asked"],
            "memory_mb": meminfo["MemTotal"],
            "memory_free_mb": meminfo["MemAvailable"],
            "disk_free_mb": free_mb("/opt"),
            "var_free_mb": var_free_mb(),
            "networks": sorted(
                {str(ipaddress.ip_interface(f"{address}/{length}").network) for _, address, length in there}
            ),
            "gateways": gateways(module),
            "interfaces": {address: name for name, address, _ in there},
        },
    )


if __name__ == "__main__":
    main()
