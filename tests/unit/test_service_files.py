"""The files of an instance, and its service's own secrets, which a host keeps by revision."""

import grp
import os

import pytest
from ansible.module_utils import service_programs

from tests.unit.test_modules import module

PROGRAM = "greeting-1.0.0-a1"


@pytest.fixture
def host(tmp_path, monkeypatch):
    """Writes the files of an instance with `host(revision, secrets)`; what it says and what the instance then reads."""
    files = module("service_files")
    for owner, name in (
        *((service_programs, name) for name in ("CONFIGURATIONS", "FILES", "STATES")),
        (files, "KEPT"),
    ):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(owner, name, tmp_path / name)

    def write(revision, secrets="", kept=False):
        wanted = {
            "service": "greeting", "name": PROGRAM, "group": grp.getgrgid(os.getgid()).gr_name,
            "configuration": "max_workers: 10\n", "revision": revision, "secrets": secrets, "as_kept": kept,
            "program": f'[program:{PROGRAM}]\nenvironment=FLEET_REVISION="{revision}"\n', "instance_state": "probation",
        }  # fmt: skip
        changed = files.present(wanted)
        return changed, (tmp_path / "CONFIGURATIONS" / "greeting" / f"{PROGRAM}.yml").read_text()

    write.kept, write.keep = tmp_path / "KEPT" / "greeting", files.keep
    return write


def test_secrets_are_a_part_of_the_configuration(host):
    assert host("r1", "API_KEY: old\n") == (True, "max_workers: 10\nAPI_KEY: old\n")
    assert host("r1", "API_KEY: old\n") == (False, "max_workers: 10\nAPI_KEY: old\n")


def test_on_the_way_back_they_are_those_that_the_revision_had(host):
    host("r1", "API_KEY: old\n")
    host("r2", "API_KEY: new\n")
    assert host("r1", kept=True) == (True, "max_workers: 10\nAPI_KEY: old\n")


def test_only_root_may_read_what_is_kept(host):
    host("r1", "API_KEY: old\n")
    assert host.kept.stat().st_mode & 0o777 == 0o700
    assert (host.kept / "r1.yml").stat().st_mode & 0o777 == 0o600


def test_a_service_without_secrets_keeps_nothing(host):
    assert host("r1") == (True, "max_workers: 10\n")
    assert not host.kept.exists()


def test_as_many_are_kept_as_the_record_goes_back(host):
    for number in range(25):
        host(f"r{number}", f"API_KEY: {number}\n")
        os.utime(host.kept / f"r{number}.yml", (number, number))
    assert len(list(host.kept.iterdir())) == 21
    assert host("r24", kept=True)[1].endswith("API_KEY: 24\n")


def test_what_an_instance_has_is_kept_however_old(host):
    host("running", "API_KEY: old\n")
    os.utime(host.kept / "running.yml", (1, 1))
    for number in range(30):
        (host.kept / f"failed{number}.yml").touch()
    host.keep(host.kept / "another.yml", "API_KEY: new\n")
    assert (host.kept / "running.yml").exists()
