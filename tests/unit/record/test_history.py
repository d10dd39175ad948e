"""How a roll begins and ends in the record."""

import datetime

import pytest

from fleet.errors import FleetError
from fleet.record import history
from tests.unit.record.fleets import NOON, record, roll, side

LATER = NOON + 300
RUNNING = {"greeting": {**side("1.0.0"), "since": 1}, "mail": {**side("3.0.0"), "since": 1}}
UPGRADE = roll(greeting=(side("1.0.0"), side("2.0.0")))


def under_way(moves=UPGRADE, **parts):
    return history.begun(record(services=RUNNING, **parts), moves)


def test_a_roll_that_begins_is_in_the_record_and_services_are_what_they_were():
    before = record(services=RUNNING)
    after = history.begun(before, UPGRADE)
    assert after["roll"] == {**UPGRADE, "phase": "rolling", "reason": "", "allow_incompatible": []}
    assert after["services"] == RUNNING
    assert before["roll"] is None


def test_it_takes_the_place_of_itself_but_of_no_other():
    again = history.begun(under_way(), {**UPGRADE, "phase": "canary"})
    assert again["roll"]["phase"] == "canary"
    with pytest.raises(FleetError, match="`make deploy` of ops@desk, begun at 2026-11-26 12:00 UTC, is unfinished"):
        history.begun(under_way(), {**UPGRADE, "id": "r2"})


def test_a_roll_changes_its_phase_and_keeps_the_reason():
    moved = history.moved(under_way(), "withdrawing", LATER, "It is slower.")
    assert (moved["roll"]["phase"], moved["roll"]["reason"]) == ("withdrawing", "It is slower.")
    assert history.moved(moved, "withdrawing", LATER)["roll"]["reason"] == "It is slower."


def test_after_a_roll_that_finished_services_are_what_it_made_of_them():
    moves = roll(greeting=(side("1.0.0"), side("2.0.0")), mail=(side("3.0.0"), None), shop=(None, side("1.1.0")))
    after = history.finished(under_way(moves), "finished", LATER)
    assert after["services"] == {
        "greeting": {**side("2.0.0"), "since": LATER},
        "shop": {**side("1.1.0"), "since": LATER},
    }
    gone = {"until": LATER, "by": "ops@desk", "roll": "r1"}
    assert after["replaced"] == {"greeting": [{**side("1.0.0"), **gone}], "mail": [{**side("3.0.0"), **gone}]}
    assert after["roll"] is None


def test_its_history_says_who_did_what_and_how_long_it_took():
    after = history.finished(under_way(), "finished", LATER, seconds={"stage": 3.5})
    assert after["history"] == [
        {
            **{key: UPGRADE[key] for key in ("id", "who", "what", "began")},
            "ended": LATER,
            "ended_by": UPGRADE["who"],
            "services": {"greeting": {"from": "1.0.0", "to": "2.0.0"}},
            "verdict": "finished",
            "reason": "",
            "allow_incompatible": [],
            "seconds": {"stage": 3.5},
        }
    ]


@pytest.mark.parametrize("verdict", ["withdrawn", "aborted"])
def test_after_one_that_did_not_finish_services_are_what_they_were(verdict):
    after = history.finished(history.moved(under_way(), "withdrawing", LATER, "It is slower."), verdict, LATER)
    assert (after["services"], after["replaced"], after["roll"]) == (RUNNING, {}, None)
    assert (after["history"][-1]["verdict"], after["history"][-1]["reason"]) == (verdict, "It is slower.")


def test_what_stays_as_it_is_was_not_replaced():
    after = history.finished(under_way(roll(mail=(side("3.0.0"), side("3.0.0")))), "finished", LATER)
    assert (after["services"], after["replaced"]) == (RUNNING, {})


def test_what_is_a_date_in_the_catalogue_stays_what_it_was_in_the_record():
    old, new = (side("3.0.0", settings={"since": since}) for since in ("2026-01-02", datetime.date(2026, 1, 2)))
    assert history.finished(under_way(roll(mail=(old, new))), "finished", LATER)["replaced"] == {}


def test_only_the_latest_is_kept():
    now = under_way(replaced={"greeting": [{"old": n} for n in range(20)]}, history=[{"id": n} for n in range(100)])
    after = history.finished(now, "finished", LATER)
    assert [len(after["replaced"]["greeting"]), len(after["history"])] == [20, 100]
    assert after["replaced"]["greeting"][-1]["until"] == LATER
    assert after["history"][-1]["id"] == "r1"


def test_each_write_is_newer_than_all_that_were_and_than_those_that_nobody_sees():
    first = under_way()
    assert first["version"] == NOON
    assert history.finished(first, "finished", NOON - 50)["version"] == NOON + 1
    assert history.finished(first, "finished", LATER)["version"] == LATER
