"""The read-only Debian 13 root that all hosts' disks are layered on."""

import hashlib
import shutil
from pathlib import Path

from lab.paths import IMAGES
from lab.process import follow, run

SUITE = "trixie"
# A plain server, with what Ansible needs to begin.
PACKAGES = "dbus,iproute2,iputils-ping,netbase,openssh-server,procps,python3,python3-apt,systemd,systemd-sysv"
HOOK = Path(__file__).with_name("image_hook.sh")
# How this machine's apt reaches Debian (a proxy, a frozen clock) holds for its hosts too.
APT_SETTINGS = (
    "Acquire::http::Proxy",
    "Acquire::https::Proxy",
    "Acquire::Check-Valid-Until",
    "Acquire::Check-Date",
)


def recipe():
    """A digest of all that decides what is in the image: another recipe makes another image."""
    parts = (SUITE, PACKAGES, _apt_settings(), HOOK.read_text())
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def folder(digest):
    """Where the image with this digest is."""
    return IMAGES / digest


def build(say):
    """Build today's image and return its digest, passing lines of progress to `say`.

    A build that is interrupted leaves no image, no process and no mount.
    """
    digest = recipe()
    half_made = IMAGES / f"{digest}.part"
    IMAGES.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(half_made, ignore_errors=True)
    settings = IMAGES / f"{digest}.apt.conf"
    settings.write_text(_apt_settings())
    follow(
        [
            # Namespaces of its own: its mounts end with it, before anybody deletes a folder below them.
            "unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
            # What the hook fetches stays: it is what makes an install on a host quick.
            "mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory", "--skip=cleanup/apt",
            f"--include={PACKAGES}",
            f"--customize-hook=copy-in {HOOK} /tmp",
            f"--customize-hook=upload {settings} /etc/apt/apt.conf.d/90lab",
            f'--customize-hook=chroot "$1" sh /tmp/{HOOK.name}',
            SUITE, half_made,
        ],
        lambda line: say(line.removeprefix("I: ")) if line.startswith("I: ") else None,
    )  # fmt: skip
    settings.unlink()
    half_made.rename(folder(digest))
    return digest


def prune(in_use):
    """Remove images, and rests of interrupted builds, that no disk and no save needs."""
    for path in IMAGES.glob("*"):
        if path.name not in in_use:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _apt_settings():
    shown = run("apt-config", "dump", *APT_SETTINGS).stdout
    wanted = tuple(f"{name} " for name in APT_SETTINGS)
    return "".join(f"{line}\n" for line in shown.splitlines() if line.startswith(wanted))
