"""The hosts' disks and the saved copies of them.

All lie in one XFS file system of the lab's own (a sparse file on the machine's disk), because XFS
clones a file in no time whatever its size: so a save and a restore of a whole fleet copy nothing.
A disk is a folder: `disk.img` (sparse, ext4, of the size in the inventory) and `image` (the digest
of the image that it lies on).
"""

import os
import shutil
import subprocess

from lab.errors import LabError
from lab.paths import STATE, STORE, STORE_FILE
from lab.process import run

DISKS = STORE / "disks"
SAVES = STORE / "saves"
# An upper bound: the file takes up only what disks and saves have written.
SIZE = "200G"
# What a host with every role has been seen to write, doubled.
HOST_SPACE = 2**30


def mount():
    """Make the store if there is none, and mount it."""
    if os.path.ismount(STORE):
        return
    STORE.mkdir(parents=True, exist_ok=True)
    if not STORE_FILE.exists():
        half_made = STORE_FILE.with_suffix(".part")
        half_made.unlink(missing_ok=True)
        run("truncate", "--size", SIZE, half_made)
        run("mkfs.xfs", "-q", "-m", "reflink=1", half_made)
        half_made.rename(STORE_FILE)
    mounted = run("mount", "-o", "loop,discard,noatime", STORE_FILE, STORE, check=False)
    if mounted.returncode:
        raise LabError(
            f"The lab's disks in {STORE_FILE} can't be mounted ({mounted.stderr.splitlines()[0]}): "
            "`python -m lab destroy` begins anew without them."
        )
    for folder in (DISKS, SAVES):
        folder.mkdir(exist_ok=True)


def require_space(hosts):
    """Refuse when the machine's disk could fill up under the hosts' disks."""
    STATE.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(STATE).free
    if free < hosts * HOST_SPACE:
        raise LabError(
            f"{STATE} has {free / 2**30:.1f} GiB free and {hosts} hosts may need {hosts * HOST_SPACE / 2**30:.0f}: "
            "make room there."
        )


def unmount():
    """Unmount the store, which no host may be using."""
    if os.path.ismount(STORE):
        run("umount", STORE)


def discard():
    """Delete every disk and every save."""
    unmount()
    STORE_FILE.unlink(missing_ok=True)


def disk(host):
    """The folder of the host's disk."""
    return DISKS / host


def make_disk(host, size, image):
    """Give the host an empty disk of `size` on the image with digest `image`."""
    half_made = DISKS / f"{host}.part"
    shutil.rmtree(half_made, ignore_errors=True)
    half_made.mkdir()
    run("truncate", "--size", size, half_made / "disk.img")
    run("mkfs.ext4", "-q", "-L", host, half_made / "disk.img")
    (half_made / "image").write_text(image)
    half_made.rename(disk(host))


def image_of(host):
    """The digest of the image that the host's disk lies on."""
    return (disk(host) / "image").read_text()


def images_in_use():
    """Digests of the images that disks and saves lie on."""
    return {file.read_text() for folder in (DISKS, SAVES) for file in folder.rglob("image")}


def delete_disk(host):
    """Delete the host's disk."""
    for folder in (disk(host), DISKS / f"{host}.part"):
        shutil.rmtree(folder, ignore_errors=True)


def trim(host):
    """Give back what the host's file system no longer uses, so that a save doesn't keep it."""
    run("unshare", "--mount", "sh", "-c", 'mount -o loop "$0" /mnt && fstrim /mnt', disk(host) / "disk.img")


def saves():
    """Names of all saves, each with the hosts whose disks it holds."""
    return {
        path.name: sorted(host.name for host in path.iterdir())
        for path in sorted(SAVES.iterdir())
        if path.suffix != ".part"
    }


def forget(hosts):
    """Delete the hosts' disks from all saves, and saves that hold nothing else."""
    for kept in SAVES.iterdir():
        for host in hosts:
            shutil.rmtree(kept / host, ignore_errors=True)
        if not any(kept.iterdir()):
            kept.rmdir()


def in_use():
    """Whether any host has a disk here or in a save."""
    return any(DISKS.iterdir()) or any(SAVES.iterdir())


def save(name, hosts):
    """Keep the hosts' disks as `name`, in place of what it held of them; other hosts' stay in it.

    The hosts must be down. A save that is interrupted leaves the former one as it was.
    """
    half_made, former = SAVES / f"{name}.part", SAVES / f"{name}.former.part"
    for rest in (half_made, former):
        shutil.rmtree(rest, ignore_errors=True)
    half_made.mkdir()
    for host in hosts:
        _clone(disk(host), half_made / host)
    kept = SAVES / name
    if kept.exists():
        for other in kept.iterdir():
            if other.name not in hosts:
                _clone(other, half_made / other.name)
        kept.rename(former)
    half_made.rename(kept)
    shutil.rmtree(former, ignore_errors=True)


def restore(name, hosts):
    """Put the disks kept as `name` in the place of the hosts' own. The hosts must be down."""
    for host in hosts:
        half_made = DISKS / f"{host}.part"
        shutil.rmtree(half_made, ignore_errors=True)
        _clone(SAVES / name / host, half_made)
        shutil.rmtree(disk(host), ignore_errors=True)
        half_made.rename(disk(host))


def _clone(source, target):
    subprocess.run(["cp", "--recursive", "--reflink=always", source, target], check=True)
