"""How long the parts of a roll took."""

from fleet.rollout.past import lines
from fleet.rollout.phases import seconds
from tests.unit.rollout.records import record
from tests.unit.rollout.traffic import Fleet, Instance, steady

QUIET = steady(0, 0.002)


def rolled():
    """Samples of 20 s: the new comes after 3, is admitted after 8, the old is gone after 12. Another does nothing."""
    old, other = Instance("1.0.0"), Instance("1.0.0", service="trips")
    fleet = Fleet(old, other).run(3, QUIET)
    new = Instance("2.0.0", state="probation")
    fleet.instances.append(new)
    fleet.run(5, QUIET)
    new.state = "admitted"
    fleet.run(4, QUIET)
    fleet.instances.remove(old)
    return fleet.run(8, QUIET).samples


def test_a_service_takes_from_the_first_to_the_last_change_of_its_instances():
    took = seconds(rolled(), 1990.0, 1990.0, 2030.0)
    assert took.keys() == {"staging", "greeting", "all"}
    assert (took["staging"], took["all"]) == (10.0, 40.0)
    assert 8 <= took["greeting"] <= 10


def test_days_between_a_canary_and_its_promotion_are_no_staging():
    took = seconds(rolled(), 0.0, 1998.0, 2030.0)
    assert (took["staging"], took["all"]) == (2.0, 2030.0)


def test_of_what_nobody_saw_all_is_known():
    assert seconds({"app1": []}, 1990.0, 1990.0, 2030.0) == {"all": 40.0}


def test_the_history_tells_of_them():
    took = {"staging": 10.0, "greeting": 9.0, "all": 40.0}
    past = {"began": 5, "ended": 45, "what": "greeting 1.0.0 -> 2.0.0", "who": "ops@desk", "verdict": "finished",
            "reason": "", "allow_incompatible": [], "seconds": took}  # fmt: skip
    assert "finished in 40 s (staging 10 s, greeting 9 s)" in lines({**record(), "history": [past]})[-1]
