"""What a lock file demands on the hosts."""

import pytest

from fleet.errors import FleetError
from fleet.release import lock

HASH = "--hash=sha256:" + "a" * 64
OTHER = "--hash=sha256:" + "b" * 64


def read(tmp_path, text):
    path = tmp_path / "requirements.lock"
    path.write_text(text)
    return lock.read(path)


def test_each_package_has_its_version_and_hashes(tmp_path):
    text = f"# by make lock\nkombu==5.7.0 \\\n    {OTHER} \\\n    {HASH}\n    # via nameko\npath.py==12.5.0 {HASH}\n"

    assert [one.requirement for one in read(tmp_path, text)] == [
        f"kombu==5.7.0 {HASH} {OTHER}",
        f"path-py==12.5.0 {HASH}",
    ]


def test_markers_are_of_the_hosts_and_not_of_the_controller(tmp_path):
    text = "".join(
        f"{name}==1.0 ; {marker} {HASH}\n"
        for name, marker in {
            "newer": "python_version >= '3.13'",
            "older": "python_full_version < '3.12'",
            "windows": "sys_platform == 'win32'",
            "linux": "platform_machine == 'x86_64' and sys_platform == 'linux'",
        }.items()
    )

    assert [one.name for one in read(tmp_path, text)] == ["linux", "newer"]


@pytest.mark.parametrize("line", ["kombu==5.7.0", f"kombu>=5 {HASH}", f"kombu==5.* {HASH}", f"kombu {HASH}", "-e ."])
def test_a_line_that_leaves_a_choice_is_refused(tmp_path, line):
    with pytest.raises(FleetError, match=r"has a line that is no exact version with hashes, '(kombu|-e)"):
        read(tmp_path, f"{line}\n")
