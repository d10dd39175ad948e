"""Which releases are told to be worse than the one before."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.errors import FleetError
from fleet.rollout.bake import binomial_tail, fisher_tail, verdict
from tests.unit.rollout.traffic import Fleet, Instance, by_release, steady

OLD, NEW = "rev-1.0.0", "rev-2.0.0"


def judged(fleet, **limits):
    return verdict(fleet.samples, "greeting", [OLD], NEW, limits)


def side_by_side(seconds, old, new):
    """A canary beside an old instance, each serving in its own way."""
    return Fleet(Instance("1.0.0"), Instance("2.0.0", host="app2")).run(seconds, by_release(v1_0_0=old, v2_0_0=new))


def nth(calls, every, mean=0.002):
    """So many calls a second of which each so manieth is an error."""
    served = [0]

    def each(one, _second):
        for _ in range(calls):
            served[0] += 1
            one.serve(mean, outcome="RuntimeError" if served[0] % every == 0 else "ok")

    return each


def test_a_release_that_does_the_same_is_good():
    found = judged(side_by_side(15, steady(10, 0.002), steady(10, 0.002)))

    assert found["verdict"] == "good"
    assert found["figures"]["new"]["calls"] == 150
    assert found["figures"]["seconds"] == 15
    assert "150 calls" in found["reason"]


def test_five_percent_of_errors_at_ten_calls_a_second_are_bad_after_fifteen_seconds():
    found = judged(side_by_side(15, steady(10, 0.002), nth(10, every=20)))

    assert found["verdict"] == "bad"
    assert "7 of 150 calls (4.7 %)" in found["reason"]
    assert "0 of 150 calls (0.0 %) of the old" in found["reason"]
    assert "RuntimeError 7" in found["reason"]


def test_a_canarys_few_calls_suffice_beside_many_of_the_old():
    assert judged(side_by_side(15, steady(90, 0.002), nth(4, every=15)))["verdict"] == "bad"


def test_errors_that_callers_cause_on_both_sides_are_not_held_against_it():
    assert judged(side_by_side(30, nth(10, every=10), nth(10, every=10)))["verdict"] == "good"


def test_two_errors_are_no_reason():
    assert judged(side_by_side(10, steady(10, 0.002), nth(10, every=50)))["verdict"] == "good"


def test_ten_times_slower_is_bad():
    found = judged(side_by_side(15, steady(10, 0.002), steady(10, 0.020)))

    assert found["verdict"] == "bad"
    assert "95 % of the new revision's calls took up to" in found["reason"]


def test_slower_by_less_than_anybody_feels_is_good():
    assert judged(side_by_side(15, steady(10, 0.0005), steady(10, 0.003)))["verdict"] == "good"


def test_a_tenth_slower_across_the_bound_of_a_bucket_is_good():
    found = judged(side_by_side(15, lambda one, _: one.serve(*[0.0095] * 10), lambda one, _: one.serve(*[0.0105] * 10)))

    assert found["figures"]["new"]["p95"] > 2 * found["figures"]["old"]["p95"]
    assert found["verdict"] == "good"


def test_a_few_slow_calls_at_its_start_are_no_reason():
    def warming_up(one, second):
        one.serve(*([0.5] * 4 if second == 0 else []), *[0.002] * 4)

    assert judged(side_by_side(15, steady(4, 0.002), warming_up))["verdict"] == "good"


def test_a_restart_is_bad_whatever_the_figures():
    fleet = side_by_side(5, steady(1, 0.002), steady(1, 0.002))
    fleet.instances[1].begin(2004.5)
    found = judged(fleet.run(2, steady(1, 0.002)))

    assert found["verdict"] == "bad"
    assert "restarted 1 time(s) while it served (greeting-2.0.0-a1 on app2)" in found["reason"]


def test_a_restart_of_an_old_instance_is_not_the_new_ones_fault():
    fleet = side_by_side(10, steady(10, 0.002), steady(10, 0.002))
    fleet.instances[0].begin(2009.5)

    assert judged(fleet.run(5, steady(10, 0.002)))["verdict"] == "good"


def test_a_new_instance_that_falls_silent_is_bad():
    fleet = side_by_side(10, steady(10, 0.002), steady(10, 0.002))
    fleet.instances[1].answers = False
    assert judged(fleet.run(2, steady(10, 0.002)))["verdict"] == "good"
    found = judged(fleet.run(1, steady(10, 0.002)))

    assert found["verdict"] == "bad"
    assert "greeting-2.0.0-a1 on app2 didn't answer /metrics 3 times in a row" in found["reason"]


@pytest.mark.parametrize(("old", "new", "which"), [(10, 1, "new"), (1, 10, "old"), (0, 0, "new")])
def test_too_little_traffic_is_said(old, new, which):
    found = judged(side_by_side(15, steady(old, 0.002), steady(new, 0.002)))

    assert found["verdict"] == "unsure"
    assert f"too little traffic to tell: the {which} revision served" in found["reason"]


def test_a_new_instance_that_no_call_comes_to_is_bad_though_it_says_that_it_takes_them():
    found = judged(side_by_side(15, steady(10, 0.002), steady(0, 0.002)))
    assert found["verdict"] == "bad"
    assert (
        "the new revision's 1 admitted instance(s) answered no call in 15 s, in which the old answered 150"
        in found["reason"]
    )


def test_one_whose_workers_hang_after_some_calls_is_starved_and_bad():
    def hanging(one, second):
        if second < 2:
            one.serve(*[0.002] * 6)

    found = judged(side_by_side(15, steady(20, 0.002), hanging))
    assert found["verdict"] == "bad"
    assert "answered no call after 12 in 13 s" in found["reason"]
    assert "they hang, or what hands out the calls leaves them out" in found["reason"]


def test_one_that_is_given_fewer_calls_for_being_slower_is_not_starved():
    assert judged(side_by_side(15, steady(20, 0.004), steady(8, 0.006)))["verdict"] == "good"


def test_a_new_instance_that_has_not_finished_its_first_long_calls_is_not_left_out():
    assert judged(side_by_side(15, steady(10, 9.0), steady(0, 9.0)))["verdict"] == "unsure"


def test_that_a_handful_of_calls_went_to_the_old_is_chance():
    assert judged(side_by_side(15, steady(1, 0.002), steady(0, 0.002)))["verdict"] == "unsure"


def test_what_is_bad_with_little_traffic_is_bad():
    assert judged(side_by_side(10, steady(4, 0.002), nth(4, every=1)))["verdict"] == "bad"


def test_a_first_release_is_judged_by_itself():
    fleet = Fleet(Instance("2.0.0")).run(15, steady(10, 0.002))
    assert verdict(fleet.samples, "greeting", [], NEW)["verdict"] == "good"

    failing = Fleet(Instance("2.0.0")).run(15, nth(10, every=20))
    found = verdict(failing.samples, "greeting", [], NEW)
    assert found["verdict"] == "bad"
    assert "with 1.0 % allowed" in found["reason"]


def test_a_service_without_metrics_can_not_be_judged():
    fleet = Fleet(Instance("1.0.0"), Instance("2.0.0", host="app2"))
    for one in fleet.instances:
        one.answers = False
    fleet.samples = {host: [] for host in fleet.samples}
    found = judged(fleet.run(10, steady(0, 0.002)))

    assert found["verdict"] == "unsure"
    assert "no instance answers /metrics" in found["reason"]


def test_calls_before_admission_and_while_draining_count_for_nobody():
    old, new = Instance("1.0.0"), Instance("2.0.0", host="app2", state="probation")
    fleet = Fleet(old, new).run(10, by_release(v1_0_0=steady(10, 0.5, errors=1), v2_0_0=nth(10, every=1)))
    new.state = "admitted"
    fleet.run(15, steady(10, 0.002))
    old.state = "draining"
    fleet.run(5, by_release(v1_0_0=steady(10, 0.5, errors=1), v2_0_0=steady(10, 0.002)))
    found = judged(fleet)

    assert found["verdict"] == "good"
    assert found["figures"]["old"]["errors"] == 0
    assert found["figures"]["new"]["errors"] == 0


def test_a_new_instance_that_was_never_admitted_can_not_be_judged():
    fleet = Fleet(Instance("1.0.0"), Instance("2.0.0", host="app2", state="probation")).run(5, steady(10, 0.002))

    assert judged(fleet)["verdict"] == "unsure"


def test_an_unknown_limit_is_refused_by_name():
    with pytest.raises(FleetError, match="error_margin"):
        judged(side_by_side(1, steady(1, 0.002), steady(1, 0.002)), error_margn=0.1)


def test_noise_is_seldom_bad():
    bad = 0
    for seed in range(200):
        chance = random.Random(seed)  # noqa: S311 - not for secrets
        each = steady(10, 0.004, errors=0.03, chance=chance)
        bad += judged(side_by_side(15, each, each))["verdict"] == "bad"
    assert bad <= 200 / 25


def test_the_tests_are_those_of_the_textbooks():
    assert fisher_tail(3, 4, 1, 4) == pytest.approx(17 / 70 - 16 / 70 / 2)  # the lady tasting tea
    assert binomial_tail(2, 3, 0.5) == pytest.approx(0.5)
    assert binomial_tail(0, 3, 0.5) == 1
    assert binomial_tail(1, 3, 0.0) == 0


@given(st.integers(0, 40), st.integers(1, 200), st.integers(0, 40), st.integers(1, 200))
def test_one_more_error_never_looks_better(new_errors, new_calls, old_errors, old_calls):
    new_errors, old_errors = min(new_errors, new_calls - 1), min(old_errors, old_calls)
    less, more = (fisher_tail(errors, new_calls, old_errors, old_calls) for errors in (new_errors, new_errors + 1))
    assert 0 <= more <= less + 1e-9 <= 1 + 2e-9


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.booleans(), st.sampled_from(["probation", "admitted", "draining"])), max_size=12
    ),
    st.booleans(),
)
def test_there_is_a_verdict_whatever_was_sampled(seconds, restart):
    old, new = Instance("1.0.0"), Instance("2.0.0", host="app2")
    fleet = Fleet(old, new)
    for calls, answers, state in seconds:
        new.answers, new.state = answers, state
        fleet.run(1, steady(calls, 0.01, errors=0.5))
        if restart:
            new.begin(fleet.at)
    found = judged(fleet)

    assert found["verdict"] in ("good", "bad", "unsure")
    assert found["reason"].startswith("greeting: ")
    assert found["reason"].endswith(".")
