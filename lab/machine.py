"""What the lab needs of the machine it runs on."""

import os
import shutil
import sys
from pathlib import Path

from lab import cgroup
from lab.errors import UsageError
from lab.process import run

# A tool or file that shows that the package is there, and the package.
NEEDED = {
    "ip": "iproute2",
    "losetup": "mount",
    "mkfs.ext4": "e2fsprogs",
    "mkfs.xfs": "xfsprogs",
    "mmdebstrap": "mmdebstrap",
    "nft": "nftables",
    "ssh-keygen": "openssh-client",
    "systemd-nspawn": "systemd-container",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
}
ADMIN_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def require():
    """Refuse a machine that can't run hosts, or a user who may not."""
    if sys.platform != "linux":
        raise UsageError(f"The lab needs Linux: it runs its hosts in systemd-nspawn, not on {sys.platform}.")
    if os.geteuid():
        raise UsageError("The lab needs root, for mounts, links and control groups: type it again with sudo.")
    # A root shell from `su` may lack these.
    os.environ["PATH"] = ":".join(dict.fromkeys([*os.environ.get("PATH", "").split(":"), *ADMIN_FOLDERS]))
    if shutil.which("unshare") is None or run("unshare", "--mount", "true", check=False).returncode:
        raise UsageError("Root may not mount file systems here: run the lab on a machine, not in a container.")
    if not Path("/dev/loop-control").exists() and run("modprobe", "loop", check=False).returncode:
        raise UsageError("This machine's kernel has no loop devices, which hold the lab hosts' disks.")
    cgroup.parent()


def missing():
    """Packages that the lab needs and the machine lacks."""
    return [
        package
        for shown_by, package in NEEDED.items()
        if not (Path(shown_by).exists() if "/" in shown_by else shutil.which(shown_by))
    ]


def require_packages():
    """Refuse when a package is missing."""
    if packages := missing():
        raise UsageError(f"The lab needs {', '.join(packages)}: `python -m lab up` installs what is missing.")


def install(packages):
    """Install missing packages with the machine's apt."""
    if shutil.which("apt-get") is None:
        raise UsageError(f"The lab needs {', '.join(packages)}, and this machine has no apt-get to install it.")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "-qq", "update", env=environment)
    run("apt-get", "-qq", "install", "--yes", "--no-install-recommends", *packages, env=environment)
