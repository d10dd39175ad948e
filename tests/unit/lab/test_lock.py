"""One verb at a time."""

import pytest

from lab import lock
from lab.errors import LabError


def test_the_second_is_refused_and_told_who_holds_the_lab(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "LOCK", tmp_path / "run" / "lock")
    with (
        lock.exclusive("up"),
        pytest.raises(LabError, match=r"busy with `up` \(process \d+\)"),
        lock.exclusive("down"),
    ):
        pass
    with lock.exclusive("down"):
        pass
