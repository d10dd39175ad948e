"""What may take calls on a host that comes back."""

import pytest

from fleet.record.revision import public
from tests.unit.record.fleets import record, roll, side

OLD, NEW = side("1.0.0"), side("2.0.0")


def revisions(phase=None, old=OLD, new=NEW):
    services = {"greeting": {**old, "since": 1}} if old else {}
    under_way = {**roll(greeting=(old, new)), "phase": phase} if phase else None
    return public(record(7, services=services, roll=under_way))["services"].get("greeting")


def test_it_is_what_the_fleet_runs_with_the_version_that_says_so():
    assert public(record(7, services={"greeting": {**OLD, "since": 1}})) == {
        "version": 7,
        "services": {"greeting": ["revision1.0.0"]},
    }


@pytest.mark.parametrize("phase", ["rolling", "canary"])
def test_during_a_roll_the_new_may_too(phase):
    assert revisions(phase) == ["revision1.0.0", "revision2.0.0"]


def test_what_is_withdrawn_may_not():
    assert revisions("withdrawing") == ["revision1.0.0"]


@pytest.mark.parametrize("phase", ["rolling", "withdrawing"])
def test_what_is_taken_out_may_until_it_is(phase):
    assert revisions(phase, new=None) == ["revision1.0.0"]


def test_what_is_new_may_unless_it_is_withdrawn():
    assert revisions("rolling", old=None) == ["revision2.0.0"]
    assert revisions("withdrawing", old=None) == []


def test_nothing_secret_is_told():
    told = str(public(record(7, services={"greeting": {**side("1.0.0", settings={"key": "value"}), "since": 1}})))
    assert "value" not in told
