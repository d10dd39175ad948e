"""What is installed anywhere is an exact version, checked by hash, from whatever index the machine is set up with."""

import re
import tomllib

import pytest

from fleet import catalogue, paths
from fleet.paths import ROOT
from fleet.release import lock, source
from tests.policy.repository import load, task_files, tasks, tracked_files

SERVICES = sorted(path.parent for path in paths.SERVICES.glob("*/pyproject.toml") if path.parent != paths.CHASSIS)

# Put together here, so that no file of the repository has them, this one included.
REGISTRIES = [
    ".".join(parts) for parts in [("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("docker", "io")]
]


def test_the_catalogue_names_what_services_are_at():
    entries = catalogue.complete(catalogue.load(paths.CATALOGUE))

    for folder in SERVICES:
        assert entries[folder.name]["release"] == source.read_service(folder, folder.name).version


@pytest.mark.parametrize("folder", [None, *SERVICES], ids=lambda folder: folder.name if folder else "controller")
def test_locks_have_exact_versions_with_hashes(folder):
    assert lock.read((folder or ROOT) / "requirements.lock")


@pytest.mark.parametrize("folder", [ROOT, *SERVICES], ids=lambda folder: folder.name)
def test_locks_name_no_index(folder):
    assert "://" not in (folder / "requirements.lock").read_text("utf-8")


def test_no_file_names_a_package_registry():
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        assert not [host for host in REGISTRIES if host in text], path


def test_no_file_names_this_checkout():
    assert not [path for path in tracked_files() if str(ROOT).encode() + b"/" in path.read_bytes()]


def test_build_tools_are_those_that_the_controller_has():
    # Wheels are built with the controller's own tools, so what a pyproject.toml asks for must be those.
    locked = {one.name: one.version for one in lock.read(ROOT / "requirements.lock")}
    for path in [ROOT / "pyproject.toml", *paths.SERVICES.glob("*/pyproject.toml")]:
        for requirement in tomllib.loads(path.read_text("utf-8"))["build-system"]["requires"]:
            name, _, version = requirement.partition("==")
            assert name in locked
            assert version in ("", locked[name]), path


@pytest.mark.parametrize("path", task_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_task_takes_whatever_is_newest(path):
    for task in tasks(load(path)):
        for module, arguments in task.items():
            if isinstance(arguments, dict) and re.search(r"apt|package|pip|git$", module):
                assert arguments.get("state") != "latest", task["name"]
                assert arguments.get("version") not in ("HEAD", "latest"), task["name"]
