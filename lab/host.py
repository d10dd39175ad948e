"""One host: booting it, ending it, reaching it."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from lab import image, keys, network, store
from lab.cgroup import Group
from lab.errors import LabError
from lab.paths import HOSTS
from lab.process import run

BOOT = Path(__file__).with_name("boot.sh")
BOOT_SECONDS = 60
# A stock Nameko service whose broker went down first keeps systemd waiting for its 90 s.
SHUTDOWN_SECONDS = 20
# systemd takes this as "power off", where SIGTERM would mean "re-execute".
POWER_OFF = signal.SIGRTMIN + 4
USER = "root"  # of a guest: whose folder has the same name, and who takes the client's key
RESOLV_CONF = (Path("/run/systemd/resolve/resolv.conf"), Path("/etc/resolv.conf"))

NETWORK = """\
# The lab's. The number is below that of systemd's own 80-container-host0.network, which would win otherwise.
[Match]
Name=host0

[Network]
Address={address}/{prefix}
Gateway={gateway}
LinkLocalAddressing=no
IPv6AcceptRA=no
# A virtual machine keeps its address when a switch somewhere fails.
IgnoreCarrierLoss=yes
"""


class Host:
    """A host of an inventory, whether it runs or not."""

    def __init__(self, name, inventory):
        self.name = name
        self.address = inventory.hosts[name]
        self.group = Group(name)
        self.folder = HOSTS / name
        self._inventory = inventory

    def boot(self):
        """Start the host on its disk, without waiting for it. Does nothing when it runs."""
        if self.group.alive():
            return
        self._clear()
        self.group.create()
        self._seed()
        environment = os.environ | {
            "HOST": self.name,
            "DISK": str(store.disk(self.name) / "disk.img"),
            "IMAGE": str(image.folder(store.image_of(self.name))),
            "DIR": str(self.folder),
            "ENTRANCES": " ".join(map(str, self.group.entrances())),
            # The machine may run its own groups as version 1; Debian 13's systemd needs version 2.
            "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1",
        }
        # When this returns the host's first process is in its group, and a child of nobody here.
        enter = 'for entrance in $ENTRANCES; do echo $$ >"$entrance"; done; exec "$@"'
        with (self.folder / "console.log").open("w") as console:
            subprocess.run(
                ["sh", "-c", enter, "sh", "setsid", "--fork", "unshare", "--mount", "sh", BOOT],
                env=environment, stdin=subprocess.DEVNULL, stdout=console, stderr=console, check=True,
            )  # fmt: skip

    def wait_for_ssh(self):
        """Wait until the host's sshd answers; raises LabError with its last words if it doesn't in time."""
        deadline = time.monotonic() + BOOT_SECONDS
        while not self.answers():
            if time.monotonic() > deadline or not self.group.alive():
                said = (self.folder / "console.log").read_text(errors="replace").strip().splitlines()[-1:]
                raise LabError(f"{self.name} did not boot ({' '.join(said)}): see {self.folder}/console.log.")
            time.sleep(0.05)

    def answers(self):
        """Whether sshd greets a caller."""
        try:
            # Short, because a first packet sent before the host had its address is repeated after a second only.
            with socket.create_connection((self.address, 22), timeout=0.2) as connection:
                connection.settimeout(5)
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def kill(self):
        """Cut the host's power: every process ends at once, and the disk stays as it is."""
        self.group.kill()
        if not self.group.wait_until_dead(10):
            raise LabError(f"{self.name} has processes that don't die: a device it waits for may hang.")
        self._clear()

    def shut_down(self):
        """Shut the host down cleanly; cut its power if that takes too long. Says which, as a boolean."""
        init = self.group.init()
        if init:
            os.kill(init, POWER_OFF)
        clean = bool(init) and self.group.wait_until_dead(SHUTDOWN_SECONDS)
        self.kill()
        return clean

    def state(self):
        """`up`, `cut` (runs, its link is down), or `down`."""
        if not self.group.alive():
            return "down"
        return "cut" if network.link_state(self.name) == "down" else "up"

    def disk_use(self):
        """Bytes used of the host's file system and its size; None while it is down."""
        init = self.group.init()
        if not init:
            return None
        size = os.statvfs(f"/proc/{init}/root")
        return (size.f_blocks - size.f_bfree) * size.f_frsize, size.f_blocks * size.f_frsize

    def command(self, argv):
        """The command line that runs `argv` as root in the host: past its network, so even while it is cut."""
        init = self.group.init()
        if not init:
            raise LabError(f"{self.name} is down: `python -m lab start {self.name}` boots it.")
        enter = 'for entrance in $0; do echo $$ >"$entrance"; done; exec "$@"'
        return [
            "sh", "-c", enter, " ".join(map(str, self.group.visitors())),
            "nsenter", f"--target={init}", "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd",
            "env", "-i", "HOME=/root", "USER=root", "LANG=C.UTF-8", f"TERM={os.environ.get('TERM', 'dumb')}",
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *argv,
        ]  # fmt: skip

    def _clear(self):
        """Remove what a host that is dead left on the machine."""
        network.delete_link(self.name)
        self.group.remove()
        self._wait_for_loop()

    def _wait_for_loop(self):
        """The kernel lets go of the disk a moment after the last process: nobody may mount it twice."""
        disk = str(store.disk(self.name) / "disk.img")
        deadline = time.monotonic() + 10
        while disk in run("losetup", "--noheadings", "--output", "BACK-FILE").stdout.split():
            if time.monotonic() > deadline:
                raise LabError(f"{disk} is still in use by a loop device: see `losetup`.")
            time.sleep(0.02)

    def _seed(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        key = keys.host_key(self.name)
        inventory = self._inventory
        resolver = next(file for file in RESOLV_CONF if file.exists())
        self._plant("once/etc/hostname", f"{self.name}\n")
        # As Debian's installer leaves it, the name on 127.0.1.1 included: roles must cope with that.
        self._plant("once/etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {self.name}\n::1 localhost\n")
        self._plant("once/etc/ssh/ssh_host_ed25519_key", key.read_text(), mode=0o600)
        self._plant("once/etc/ssh/ssh_host_ed25519_key.pub", key.with_suffix(".pub").read_text())
        self._plant(f"always/{USER}/.ssh/authorized_keys", keys.client(), mode=0o600)
        self._plant("always/etc/resolv.conf", resolver.read_text())
        self._plant(
            "always/etc/systemd/network/10-lab.network",
            NETWORK.format(address=self.address, prefix=inventory.subnet.prefixlen, gateway=inventory.gateway),
        )

    def _plant(self, path, text, mode=0o644):
        file = self.folder / "seed" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode)
        file.write_text(text)
