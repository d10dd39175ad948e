"""What an operator may ask of a roll, and which entries that comes to."""

import pytest

from fleet.errors import FleetError
from fleet.rollout.wish import former, targets, whole
from tests.unit.rollout.records import entry, half, record, under_way

CATALOGUE = {"greeting": entry(), "airports": entry(port=8140)}
KNOWN = record(greeting=half(), airports=half(port=8140))


def test_a_rollout_takes_the_catalogues_entry_with_another_release():
    catalogue = {**CATALOGUE, "greeting": entry(workers=11)}
    assert targets(catalogue, KNOWN, "rollout", "greeting", "2.0.0") == {"greeting": entry("2.0.0", workers=11)}


def test_without_a_release_it_is_the_catalogues():
    assert targets(CATALOGUE, KNOWN, "rollout", "greeting", "") == {"greeting": entry()}


def test_several_services_have_one_release_or_one_each():
    both = targets(CATALOGUE, KNOWN, "rollout", "greeting, airports", "2.0.0")
    each = targets(CATALOGUE, KNOWN, "rollout", "greeting,airports", "2.0.0,3.0.0")
    assert [one["release"] for one in both.values()] == ["2.0.0", "2.0.0"]
    assert [one["release"] for one in each.values()] == ["2.0.0", "3.0.0"]


@pytest.mark.parametrize(
    ("service", "release", "said"),
    [
        ("greetings", "2.0.0", "did you mean greeting?"),
        ("", "2.0.0", "make rollout SERVICE=airports"),
        ("greeting,greeting", "2.0.0", "twice"),
        ("greeting", "2.0.0,3.0.0", "2 releases for 1 services"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_can(service, release, said):
    with pytest.raises(FleetError, match=said):
        targets(CATALOGUE, KNOWN, "rollout", service, release)


def test_a_rollback_needs_no_release_and_takes_all_of_the_entry_that_was():
    known = {**KNOWN, "replaced": {"greeting": [half("0.9.0", workers=5)]}}
    assert targets(CATALOGUE, known, "rollback", "greeting", "") == {"greeting": entry("0.9.0", workers=5)}


def test_what_services_go_back_to_is_known_with_its_revision_and_its_secrets():
    known = {**KNOWN, "replaced": {"greeting": [half("0.9.0", digest="old")]}}
    assert former(known, "rollback", "greeting") == {"greeting": half("0.9.0", digest="old")}
    assert former(known, "rollout", "greeting") == {}


def test_what_is_promoted_or_aborted_is_what_is_unfinished():
    known = under_way(KNOWN, "canary", greeting=(half(), half("2.0.0")))
    assert targets(CATALOGUE, known, "promote", "", "") == {"greeting": entry("2.0.0")}
    assert targets(CATALOGUE, known, "abort", "", "") == {"greeting": entry()}
    with pytest.raises(FleetError, match="nothing to promote"):
        targets(CATALOGUE, KNOWN, "promote", "", "")
    withdrawing = under_way(KNOWN, "withdrawing", greeting=(half(), half("2.0.0")))
    with pytest.raises(FleetError, match="make abort"):
        targets(CATALOGUE, withdrawing, "promote", "", "")


def test_the_rest_of_the_fleet_stays_as_the_record_has_it():
    catalogue = {**CATALOGUE, "airports": entry("5.0.0", port=8140)}
    there = whole(catalogue, KNOWN, "rollout", "greeting", "2.0.0")
    assert {name: one["release"] for name, one in there.items()} == {"greeting": "2.0.0", "airports": "1.0.0"}
