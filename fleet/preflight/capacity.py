"""Whether there is room for what is to run, beside what runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from fleet.preflight.common import groups_of, problem, targets_of
from fleet.release import folder_name, manifest

# Measured: 5.3 MiB of wheels become a release of 40 MiB on its host, with their bytecode and in whole disk blocks,
# where it shares none of them with another.
UNPACKED = 8
# Free on each host beside what is installed: logs, package lists, the upload of a release.
DISK_MB = 300
# On a core host Redis's append-only file and RabbitMQ's log are rewritten beside the old ones.
CORE_DISK_MB = 300

# Measured on the lab, rounded up: an edge host 126 MiB, a core host 221, an app host with eight instances 530.
BASE_MEMORY_MB = 100
GROUP_MEMORY_MB = {"core": 300, "app": 100, "edge": 50}
INSTANCE_MEMORY_MB = 70


def _disk_problems(name: str, host: Mapping, room_mb: int, releases_mb: int) -> Iterator[dict[str, str]]:
    needs = {"/opt": ("disk_free_mb", room_mb + releases_mb)}
    # Where /var is a file system of its own, work is done there, and uploads and uv's cache are copies.
    if host["var_free_mb"] is not None:
        needs = {"/opt": ("disk_free_mb", releases_mb), "/var": ("var_free_mb", room_mb + releases_mb)}
    why = "the catalogue's releases beside those that are there, and room to work" if releases_mb else "room to work"
    for path, (fact, needed) in needs.items():
        if host[fact] < needed:
            yield problem(
                f"{name} has {host[fact]} MiB of disk left below {path} and needs {needed} ({why}).",
                f"Free {needed - host[fact]} MiB on {name}: `df -h`, `apt-get clean`, `journalctl --vacuum-size=50M`.",
            )


def capacity_problems(facts: Mapping) -> Iterator[dict[str, str]]:
    releases = Path(facts["releases_dir"])
    services = facts["services"].values()
    instances_mb = INSTANCE_MEMORY_MB * sum(entry["instances"] for entry in services)
    largest_mb = INSTANCE_MEMORY_MB * max((entry["instances"] for entry in services), default=0)
    folders = [releases / folder_name(service, entry["release"]) for service, entry in facts["services"].items()]
    wheels = sum(path.stat().st_size for folder in folders for path in folder.glob(f"{manifest.WHEELS}/*"))
    releases_mb = wheels * UNPACKED // 2**20
    for name, host in targets_of(facts).items():
        groups = groups_of(facts, name)
        app = "app" in groups
        room_mb = DISK_MB + CORE_DISK_MB * ("core" in groups)
        yield from _disk_problems(name, host, room_mb, releases_mb * app)
        # While a service rolls, its new instances run beside the old.
        memory = BASE_MEMORY_MB + sum(GROUP_MEMORY_MB[group] for group in groups) + (instances_mb + largest_mb) * app
        free = largest_mb * app
        if host["memory_mb"] < memory:
            yield problem(
                f"{name} has {host['memory_mb']} MiB of memory and needs {memory}.",
                f"Give {name} more memory{', or lower instances in the catalogue' * app}.",
            )
        elif host["memory_free_mb"] < free:
            yield problem(
                f"{name} has {host['memory_free_mb']} MiB of memory left and needs {free} for new instances.",
                f"Type `systemd-cgtop -m` on {name} to see what takes it, or lower instances in the catalogue.",
            )
