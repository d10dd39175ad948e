"""The catalogue's file follows what was rolled, and stays the file that people wrote."""

import pytest

from fleet.rollout.catalogue_file import follow

TEXT = """# Ours.
services:
  greeting:
    release: 1.0.0  # see the wiki
    workers: 10
  airports: {release: 1.0.0, workers: 50}
"""


@pytest.fixture
def path(tmp_path):
    """A catalogue as people write it."""
    path = tmp_path / "services.yml"
    path.write_text(TEXT)
    return path


def test_the_release_is_replaced_and_nothing_else(path):
    said = follow(path, {"greeting": {"release": "2.0.0", "workers": 10}})
    assert path.read_text() == TEXT.replace("release: 1.0.0  #", "release: 2.0.0  #")
    assert "commit it" in said[0]
    follow(path, {"airports": {"release": "3.1.0", "workers": 50}})
    assert "airports: {release: 3.1.0, workers: 50}" in path.read_text()


def test_a_release_that_yaml_takes_for_a_number_is_quoted(path):
    follow(path, {"greeting": {"release": "2.0", "workers": 10}})
    assert 'release: "2.0"' in path.read_text()


def test_what_it_cannot_change_it_says(path):
    said = follow(path, {"greeting": {"release": "1.0.0", "workers": 12}, "trips": {"release": "1.0.0"}})
    assert path.read_text() == TEXT
    assert any("greeting.workers: 10, the fleet runs 12" in line for line in said)
    assert any("has no trips" in line for line in said)


def test_an_entry_whose_release_is_merged_from_elsewhere_is_left_to_people(path):
    text = "base: &base {release: 1.0.0}\nservices:\n  greeting:\n    <<: *base\n    workers: 10\n"
    path.write_text(text)
    (said,) = follow(path, {"greeting": {"release": "2.0.0", "workers": 10}})
    assert path.read_text() == text
    assert "correct it by hand" in said


def test_what_a_complete_entry_says_more_is_no_difference(path):
    path.write_text("services:\n  trips:\n    release: 1.0.0\n    redis: {write: [t]}\n")
    assert follow(path, {"trips": {"release": "1.0.0", "redis": {"write": ["t"], "read": []}, "http": None}}) == []


def test_a_catalogue_that_says_so_already_is_not_touched(path):
    before = path.stat().st_mtime_ns
    assert follow(path, {"greeting": {"release": "1.0.0", "workers": 10}}) == []
    assert path.stat().st_mtime_ns == before
