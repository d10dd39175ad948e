"""What a roll comes to, in the record and for the operator."""

import pytest

from fleet.rollout.conclude import begun, ended, moved, operator, verdict
from fleet.rollout.past import lines
from tests.unit.rollout.records import half, record, under_way

KNOWN = record(greeting=half())
CHANGES = {"greeting": {"from": half(), "to": half("2.0.0")}}
FORWARD = {"direction": "forward", "services": ["greeting"], "changes": CHANGES}
BACK = {**FORWARD, "direction": "back"}
LOCK = {"since": 5}
WRONG = [{"host": "app1", "reason": "greeting-2.0.0-b1@app1 answers wrongly."}]


def test_a_roll_that_went_well_is_what_the_fleet_should_run():
    known = begun(KNOWN, FORWARD, [])
    outcome = verdict(FORWARD, "rollout", False, [], [])
    after = ended(known, outcome, LOCK, {})
    assert outcome["ok"]
    assert after["roll"] is None
    assert after["services"]["greeting"]["entry"]["release"] == "2.0.0"
    assert "greeting 1.0.0 -> 2.0.0" in lines(after)[-1]


def test_one_that_went_wrong_leaves_the_record_as_it_was_and_says_why():
    known = moved(begun(KNOWN, FORWARD, []), "withdrawing", WRONG)
    outcome = verdict(FORWARD, "rollout", False, WRONG, [])
    after = ended(known, outcome, LOCK, {})
    assert not outcome["ok"]
    assert "withdrawn" in outcome["told"]
    assert "answers wrongly" in outcome["told"]
    assert after["services"] == KNOWN["services"]
    assert "answers wrongly" in lines(after)[-1]


def test_one_that_could_not_go_back_wholly_is_unfinished_and_says_what_to_type():
    known = moved(begun(KNOWN, FORWARD, []), "withdrawing", WRONG)
    outcome = verdict(FORWARD, "rollout", False, WRONG, [{"host": "app2", "reason": "disk full."}])
    assert not outcome["ok"]
    assert "app2: disk full." in outcome["told"]
    assert "make abort" in outcome["told"]
    assert ended(known, outcome, LOCK, {})["roll"]["phase"] == "withdrawing"


def test_a_canary_stays_until_somebody_says_more():
    outcome = verdict(FORWARD, "rollout", True, [], [])
    after = ended(begun(KNOWN, FORWARD, []), outcome, LOCK, {})
    assert outcome["ok"]
    assert after["roll"]["phase"] == "canary"
    assert after["services"] == KNOWN["services"]


def test_what_was_asked_to_be_aborted_and_is_went_well():
    known = begun(under_way(KNOWN, "canary", greeting=(half(), half("2.0.0"))), BACK, [])
    outcome = verdict(BACK, "abort", False, [], [])
    assert (outcome["verdict"], outcome["ok"]) == ("aborted", True)
    assert ended(known, outcome, LOCK, {})["history"][-1]["verdict"] == "aborted"


@pytest.mark.parametrize(("decision", "phase"), [(FORWARD, "rolling"), (BACK, "withdrawing")])
def test_a_roll_that_goes_on_keeps_who_began_it_and_when(decision, phase):
    known = under_way(KNOWN, "canary", greeting=(half(), half("2.0.0")))
    roll = begun(known, decision, [])["roll"]
    assert {key: roll[key] for key in ("id", "who", "began")} == {"id": "R1", "who": "ops@desk", "began": 5}
    assert roll["phase"] == phase


def test_breaks_that_were_allowed_stand_in_the_history():
    known = begun(KNOWN, FORWARD, ["greeting_service.hello:removed"])
    after = ended(known, verdict(FORWARD, "rollout", False, [], []), LOCK, {})
    assert after["history"][-1]["allow_incompatible"] == ["greeting_service.hello:removed"]
    assert "allowed greeting_service.hello:removed" in lines(after)[-1]


def test_what_is_let_through_when_a_roll_goes_on_is_added():
    known = begun(KNOWN, FORWARD, ["a:removed"])
    assert begun(known, FORWARD, ["b:removed", "a:removed"])["roll"]["allow_incompatible"] == ["a:removed", "b:removed"]


def test_who_brings_another_ones_roll_to_its_end_is_told():
    known = under_way(KNOWN, "canary", greeting=(half(), half("2.0.0")))
    after = ended(begun(known, FORWARD, []), verdict(FORWARD, "promote", False, [], []), LOCK, {})
    assert after["history"][-1]["who"] == "ops@desk"
    assert after["replaced"]["greeting"][-1]["by"] == after["history"][-1]["ended_by"] == operator()
    assert f"by ops@desk: finished by {operator()} in" in lines(after)[-1]
