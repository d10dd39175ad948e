"""What the fleet was before: to go back to on purpose, and never by an old clone."""

import datetime

import pytest

from fleet.errors import FleetError
from fleet.record.older import older_entries
from fleet.record.previous import kept, previous
from tests.unit.record.fleets import NOON, entry, record, side


def was(release, until=NOON, **changed):
    return {**side(release, **changed), "until": until, "by": "ops@desk", "roll": "r"}


FLEET = record(
    services={"greeting": {**side("3.0.0"), "since": 1}}, replaced={"greeting": [was("1.0.0"), was("2.0.0")]}
)


def test_a_catalogue_with_what_was_replaced_is_older_than_the_fleet():
    (found,) = older_entries(FLEET, {"greeting": entry("1.0.0")})
    assert found["problem"] == (
        "The catalogue has greeting as it was until 2026-11-26 12:00 UTC (1.0.0), when ops@desk replaced it with "
        "2.0.0: this clone is older than the fleet."
    )
    assert found["remedy"] == (
        "Type `git pull`, or bring the catalogue to what the fleet runs (now 3.0.0); to go back on purpose, type "
        "`make rollback SERVICE=greeting`, or deploy with `-e allow_older=greeting`."
    )


@pytest.mark.parametrize("current", [entry("3.0.0"), entry("4.0.0"), entry("1.0.0", instances=9)])
def test_what_runs_and_what_is_new_is_not_older(current):
    assert older_entries(FLEET, {"greeting": current, "new": entry("1.0.0")}) == []


def test_what_is_meant_to_go_back_may():
    assert older_entries(FLEET, {"greeting": entry("1.0.0")}, ["greeting"]) == []


def test_what_came_back_is_no_older_than_itself():
    back = record(services={"greeting": {**side("1.0.0"), "since": 1}}, replaced=FLEET["replaced"])
    assert older_entries(back, {"greeting": entry("1.0.0")}) == []


def test_the_successor_of_the_last_one_is_what_runs():
    (found,) = older_entries(FLEET, {"greeting": entry("2.0.0")})
    assert "replaced it with 3.0.0" in found["problem"]


def test_other_settings_of_a_release_are_told_as_such():
    fleet = record(
        services={"greeting": {**side("1.0.0", instances=4), "since": 1}}, replaced={"greeting": [was("1.0.0")]}
    )
    (found,) = older_entries(fleet, {"greeting": entry("1.0.0")})
    assert "when ops@desk changed its entry: this clone" in found["problem"]


def test_a_service_that_was_taken_out_does_not_come_back_by_itself():
    (found,) = older_entries(record(replaced={"greeting": [was("1.0.0")]}), {"greeting": entry("1.0.0")})
    assert "when ops@desk took it out" in found["problem"]


def test_a_date_of_the_catalogue_is_its_text_in_the_record():
    fleet = record(replaced={"greeting": [was("1.0.0", settings={"since": "2026-01-02"})]})
    assert older_entries(fleet, {"greeting": entry("1.0.0", settings={"since": datetime.date(2026, 1, 2)})})


def test_the_way_back_leads_to_the_last_that_was_different():
    assert previous(FLEET, "greeting")["entry"] == entry("2.0.0")
    secret = record(services=FLEET["services"], replaced={"greeting": [was("2.0.0"), was("3.0.0")]})
    assert previous(secret, "greeting")["entry"] == entry("2.0.0")


def test_another_secret_is_something_else_to_go_back_to():
    now = {**side("3.0.0"), "secrets_digest": "new", "since": 1}
    past = [was("2.0.0"), {**was("3.0.0"), "secrets_digest": "old"}]
    assert previous(record(services={"greeting": now}, replaced={"greeting": past}), "greeting") == past[-1]


def test_where_a_digest_is_not_known_entries_tell():
    now = {**side("3.0.0"), "secrets_digest": "new", "since": 1}
    past = [was("2.0.0"), was("3.0.0")]
    assert previous(record(services={"greeting": now}, replaced={"greeting": past}), "greeting") == past[0]


def test_going_back_twice_leads_to_where_one_was():
    back = record(
        services={"greeting": {**side("2.0.0"), "since": 1}}, replaced={"greeting": [was("2.0.0"), was("3.0.0")]}
    )
    assert previous(back, "greeting")["entry"] == entry("3.0.0")


def test_a_service_that_was_taken_out_has_a_way_back():
    assert previous(record(replaced={"greeting": [was("1.0.0")]}), "greeting")["entry"] == entry("1.0.0")


def test_where_nothing_was_before_it_is_said():
    with pytest.raises(FleetError, match=r"nothing that greeting was before 3\.0\.0: put the entry"):
        previous(record(services=FLEET["services"]), "greeting")


def test_going_back_in_mid_roll_names_the_abort():
    roll = {"who": "ada@deploy", "what": "greeting 3.0.0 -> 4.0.0", "services": {"greeting": {}}}
    with pytest.raises(FleetError, match=r"ada@deploy \(greeting 3.0.0 -> 4.0.0\) is unfinished, and `make abort`"):
        previous(record(services=FLEET["services"], roll=roll), "greeting")


def test_but_not_that_of_another_services_roll():
    roll = {"who": "ada@deploy", "what": "trips 1.0.0 -> 2.0.0", "services": {"trips": {}}}
    with pytest.raises(FleetError, match="put the entry"):
        previous(record(services=FLEET["services"], roll=roll), "greeting")


def test_a_mistyped_service_is_helped_with():
    with pytest.raises(FleetError, match="has no service greting: did you mean greeting"):
        previous(FLEET, "greting")


def test_releases_that_served_last_stay_and_those_that_were_withdrawn_do_not():
    past = [was("1.0.0"), was("2.0.0"), was("1.0.0"), was("2.5.0")]
    now = record(services={"greeting": {**side("3.0.0"), "since": 1}}, replaced={"greeting": past})
    assert kept(now, "greeting", "4.0.0", 3) == ["4.0.0", "3.0.0", "2.5.0"]
    assert kept(now, "greeting", "3.0.0", 3) == ["3.0.0", "2.5.0", "1.0.0"]
    assert kept(now, "greeting", "", 2) == ["3.0.0", "2.5.0"]
    assert kept(now, "weather", "1.0.0", 3) == ["1.0.0"]


def test_a_clone_with_settings_that_were_left_behind_is_older_whatever_release_is_named():
    fleet = record(
        services={"greeting": {**side("3.0.0", workers=40), "since": 1}}, replaced={"greeting": [was("2.0.0")]}
    )
    assert older_entries(fleet, {"greeting": entry("2.0.0")}, release_named=True)
    assert not older_entries(fleet, {"greeting": entry("1.0.0")}, release_named=True)
    assert not older_entries(fleet, {"greeting": entry("2.0.0", workers=40)}, release_named=True)
