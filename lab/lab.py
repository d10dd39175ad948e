"""The lab's verbs."""

import contextlib
import re
import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from lab import cgroup, image, keys, machine, network, owner, resume, store
from lab.errors import LabError, UsageError
from lab.host import Host
from lab.inventory import load
from lab.lock import exclusive
from lab.paths import HOSTS, IMAGES, REPOSITORY, SSH

SAVE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}")
# `kill` and `start` take moments: one of them waits for another verb's end rather than fail a test.
PATIENCE = 60


@dataclass(frozen=True)
class Status:
    """How a host is; sizes in bytes, None while it is down."""

    host: str
    address: str
    state: str  # up, cut or down
    pid: int | None  # of its PID 1, on this machine
    memory: int | None
    disk_used: int | None
    disk_size: int | None


def _silent(line):
    """Take a line of progress that nobody wants to read."""
    del line


class Lab:
    """The hosts of one inventory. Hosts of other inventories may run beside them, untouched.

    Every verb may be repeated. Those that take hosts' names act on all hosts when none is given.
    They raise LabError with a sentence for the operator.
    """

    def __init__(self, inventory, say=None):
        """`say` gets one line of progress at a time; None is silent."""
        self.inventory = inventory
        self._say = say or _silent

    @classmethod
    def from_inventory(cls, path=REPOSITORY / "inventory" / "lab.yml", say=None):
        """The lab of the inventory file at `path`."""
        machine.require()
        return cls(load(path), say)

    def up(self, *names):
        """Make what is missing of the hosts, boot those that are down, and wait until they answer."""
        hosts = self._hosts(names)
        with exclusive("up"), self._progress(f"{len(hosts)} hosts up"):
            if packages := machine.missing():
                self._say(f"installing {', '.join(packages)} on this machine")
                machine.install(packages)
            self._take_over()
            keys.client()
            keys.write_known_hosts({host.name: host.address for host in hosts})
            network.set_up(self.inventory.subnet, self.inventory.gateway)
            store.require_space(len(hosts))
            store.mount()
            self._make_disks([host.name for host in hosts if not store.disk(host.name).exists()])
            self._boot(hosts)

    def down(self, *names):
        """Shut hosts down cleanly; their disks stay."""
        hosts = self._hosts(names)
        with self._verb("down"), self._progress(f"{len(hosts)} hosts down"):
            resume.forget(host.name for host in hosts)
            self._shut_down(hosts)
            self._rest()

    def destroy(self, *names, keep_image=False):
        """Remove hosts and disks; without names also their saves, and the lab itself if no host is left.

        With names it is a wipe: `up` gives those hosts empty disks, and saves stay whole.
        """
        hosts = self._hosts(names)
        with exclusive("destroy"), self._progress(f"{len(hosts)} hosts destroyed"):
            self._take_over()
            resume.forget(host.name for host in hosts)
            self._each(hosts, Host.kill, "gone")
            if not self._readable_store():
                return
            for host in hosts:
                store.delete_disk(host.name)
                shutil.rmtree(host.folder, ignore_errors=True)
            if not names:
                store.forget([host.name for host in hosts])
            if not names and not store.in_use():
                self._dissolve(keep_image)
            self._rest()

    def cut(self, *names):
        """Take the hosts' links down; they go on running, alone."""
        self._set_links(self._hosts(names), "down")

    def heal(self, *names):
        """Bring the hosts' links back; without names those of all that run."""
        self._set_links([host for host in self._hosts(names) if names or host.group.alive()], "up")

    def kill(self, *names):
        """Cut the hosts' power."""
        hosts = self._hosts(names)
        with self._verb("kill", PATIENCE):
            resume.forget(host.name for host in hosts)
            self._each(hosts, Host.kill, "has no power")

    def start(self, *names):
        """Boot hosts with their disks as they were, and wait until they answer."""
        hosts = self._hosts(names)
        with self._verb("start", PATIENCE):
            store.mount()
            for host in hosts:
                if not store.disk(host.name).exists():
                    raise LabError(f"{host.name} has no disk yet: `python -m lab up` makes it.")
            network.set_up(self.inventory.subnet, self.inventory.gateway)
            self._boot(hosts)

    def save(self, name):
        """Keep all hosts' disks as `name`; those that ran are shut down cleanly for it and run afterwards."""
        if not SAVE_NAME.fullmatch(name):
            raise UsageError(f"{name!r} can't name a save: use up to 41 letters, digits, - and _.")
        hosts = self._hosts(())
        with self._verb("save"), self._progress(f"saved as {name}"):
            store.mount()
            for host in hosts:
                if not store.disk(host.name).exists():
                    raise LabError(f"{host.name} has no disk to save: `python -m lab up` makes it.")
            ran = self._interrupt(hosts)
            self._shut_down(ran)
            self._each(hosts, lambda host: store.trim(host.name), "trimmed")
            store.save(name, [host.name for host in hosts])
            self._resume(ran)

    def restore(self, name):
        """Bring back all hosts' disks as `name` has them; hosts that ran run again afterwards."""
        hosts = self._hosts(())
        with self._verb("restore"), self._progress(f"restored {name}"):
            store.mount()
            self._require_save(name)
            ran = self._interrupt(hosts)
            self._each(hosts, Host.kill, "has no power")
            store.restore(name, [host.name for host in hosts])
            self._resume(ran)

    def status(self):
        """A Status of every host, in the inventory's order."""
        return [self._status(host) for host in self._hosts(())]

    def exec(self, name, argv, **options):
        """Run a command as root on the host and return the finished process, as subprocess.run does.

        It does not go through the host's network or sshd, so it reaches a host that is cut.
        """
        [host] = self._hosts([name])
        return subprocess.run(host.command(argv), **options)

    def ssh_command(self, name, argv=()):
        """The command line that logs in to the host, or runs a shell command there."""
        [host] = self._hosts([name])
        if not host.group.alive():
            raise LabError(f"{name} is down: `python -m lab start {name}` boots it.")
        return [
            "ssh", "-i", str(keys.CLIENT), "-o", f"UserKnownHostsFile={keys.KNOWN_HOSTS}",
            "-o", "ConnectTimeout=5", f"root@{host.address}", *argv,
        ]  # fmt: skip

    @contextlib.contextmanager
    def cut_off(self, *names):
        """The hosts' links are down inside the `with` block, and up after it."""
        self.cut(*names)
        try:
            yield
        finally:
            self.heal(*names)

    @contextlib.contextmanager
    def powered_off(self, *names):
        """The hosts have no power inside the `with` block, and boot after it."""
        self.kill(*names)
        try:
            yield
        finally:
            self.start(*names)

    def _hosts(self, names):
        return [Host(name, self.inventory) for name in self.inventory.select(names)]

    @contextlib.contextmanager
    def _verb(self, verb, wait=0):
        """What every verb needs that changes hosts which `up` has made."""
        machine.require_packages()
        with exclusive(verb, wait):
            owner.require()
            yield

    @contextlib.contextmanager
    def _progress(self, done):
        begun = time.monotonic()
        yield
        self._say(f"{done} after {time.monotonic() - begun:.1f} s")

    def _each(self, hosts, action, done):
        """Do `action` to all hosts at once, saying of each when it is `done`; raises the first error."""
        begun = time.monotonic()
        if not hosts:
            return
        with ThreadPoolExecutor(len(hosts)) as pool:
            running = {pool.submit(action, host): host for host in hosts}
            for future in as_completed(running):
                future.result()
                self._say(f"{time.monotonic() - begun:6.1f} s  {running[future].name} {done}")

    def _take_over(self):
        """Become the owner, ending what another clone left: its passwords are not in this one."""
        if folder := owner.other():
            self._say(f"the lab belonged to the clone in {folder}: ending its hosts, discarding their disks")
            for name in cgroup.living():
                cgroup.Group(name).kill()
            for name in cgroup.living():
                cgroup.Group(name).wait_until_dead(10)
            store.discard()
        owner.take()

    def _make_disks(self, names):
        """Give the named hosts empty disks on today's image; other hosts keep the image that theirs lie on."""
        if not names:
            return
        digest = image.recipe()
        if not image.folder(digest).exists():
            self._say("building the hosts' Debian image, about half a minute")
            with self._progress("image built"):
                image.build(self._say)
        for name in names:
            store.make_disk(name, self.inventory.disk, digest)
        image.prune(store.images_in_use())

    def _boot(self, hosts):
        for host in hosts:
            if host.state() == "cut":
                network.set_link(host.name, "up")
            host.boot()
        self._each(hosts, Host.wait_for_ssh, "answers")
        resume.forget(host.name for host in hosts)

    def _interrupt(self, hosts):
        """Those of the hosts that run, or ran when this verb was interrupted: `_resume` boots them."""
        ran = [host for host in hosts if host.group.alive() or host.name in resume.pending()]
        resume.note(host.name for host in ran)
        return ran

    def _resume(self, hosts):
        if hosts:
            network.set_up(self.inventory.subnet, self.inventory.gateway)
            self._boot(hosts)
        self._rest()

    def _shut_down(self, hosts):
        def shut_down(host):
            if host.group.alive() and not host.shut_down():
                self._say(f"{host.name} took too long: its power was cut")

        self._each(hosts, shut_down, "is down")

    def _set_links(self, hosts, state):
        owner.require()
        for host in hosts:
            if not host.group.alive():
                raise LabError(f"{host.name} is down: `python -m lab start {host.name}` boots it.")
            network.set_link(host.name, state)

    def _rest(self):
        """Leave nothing mounted or bridged that no host of any inventory needs."""
        if not cgroup.living():
            network.tear_down()
            store.unmount()

    def _readable_store(self):
        """Mount the store; one that can't be mounted is discarded with all that it held."""
        try:
            store.mount()
        except LabError as error:
            self._say(f"{error} Discarding them.")
            store.discard()
            return False
        return True

    def _dissolve(self, keep_image):
        network.guard(self.inventory.subnet)
        store.discard()
        shutil.rmtree(SSH, ignore_errors=True)
        shutil.rmtree(HOSTS, ignore_errors=True)
        if not keep_image:
            shutil.rmtree(IMAGES, ignore_errors=True)

    def _require_save(self, name):
        wanted = {host.name for host in self._hosts(())}
        saves = store.saves()
        whole = [save for save, held in saves.items() if wanted <= set(held)]
        if name in whole:
            return
        valid = f"name one of {', '.join(whole)}" if whole else f"`python -m lab save {name}` makes one"
        if name in saves:
            lacking = ", ".join(sorted(wanted - set(saves[name])))
            raise LabError(f"The save {name} has no disk of {lacking}: {valid}.")
        raise LabError(f"There is no save {name} of these hosts: {valid}.")

    def _status(self, host):
        state = host.state()
        used, size = host.disk_use() or (None, None)
        running = state != "down"
        return Status(
            host=host.name,
            address=host.address,
            state=state,
            pid=host.group.init() if running else None,
            memory=host.group.memory() if running else None,
            disk_used=used,
            disk_size=size,
        )
