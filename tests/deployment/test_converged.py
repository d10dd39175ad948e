"""A deployment of what is deployed already."""

import pytest

pytestmark = pytest.mark.lab


def test_a_second_run_changes_nothing(playbook):
    run = playbook("site.yml").check()
    assert set(run.changed.values()) == {0}, run.output


def test_check_mode_finds_no_change_skips_no_host_and_shows_no_secret(playbook, lab, secret_values):
    run = playbook("site.yml", "--check", "--diff", "-vvv").check()
    assert set(run.changed.values()) == {0}, run.output
    assert set(run.changed) >= {one.host for one in lab.status()}
    shown = [value for value in secret_values if value in run.output]
    assert not shown, f"{len(shown)} secret(s) in the output"
