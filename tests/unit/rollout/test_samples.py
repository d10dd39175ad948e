"""What is read out of instances' counts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.rollout.samples import names, quantile, series, share_above, spells, steps, total
from tests.unit.rollout.traffic import BUCKETS, Fleet, Instance, by_release, steady

HISTOGRAMS = st.lists(st.integers(0, 1000), min_size=len(BUCKETS) + 1, max_size=len(BUCKETS) + 1).map(
    lambda counts: {bound: sum(counts[: i + 1]) for i, bound in enumerate((*BUCKETS, math.inf))}
)


def test_quantiles_are_those_of_prometheus():
    # The example of Prometheus's own tests (promqltest/testdata/histograms.test): a bucket's share, linearly.
    buckets = {0.1: 50, 0.2: 100, math.inf: 100}

    assert quantile(buckets, 0.5) == pytest.approx(0.1)
    assert quantile(buckets, 0.75) == pytest.approx(0.15)
    assert quantile({**buckets, math.inf: 200}, 0.99) == pytest.approx(0.2)
    assert quantile({}, 0.5) is None
    assert quantile({0.1: 0, math.inf: 0}, 0.5) is None


@given(HISTOGRAMS, st.floats(0.01, 1), st.floats(0.01, 1))
def test_quantiles_never_fall(buckets, one, other):
    if buckets[math.inf]:
        low, high = sorted((one, other))
        assert quantile(buckets, low) <= quantile(buckets, high) <= BUCKETS[-1]


@given(HISTOGRAMS, st.floats(0.05, 0.99))
def test_the_share_above_a_quantile_is_the_rest(buckets, share):
    value = quantile(buckets, share)
    if value is not None and 0 < value < BUCKETS[-1]:
        assert share_above(buckets, value) == pytest.approx(1 - share, abs=1e-6)


def test_calls_are_counted_between_samples_and_not_from_the_beginning_of_the_process():
    old = Instance("1.0.0")
    old.serve(*[0.002] * 1000)
    fleet = Fleet(old).run(10, steady(10, 0.002))

    assert total(one.counts for one in steps(fleet.samples)).calls == 100


def test_a_restart_is_seen_and_its_calls_are_not_lost():
    one = Instance("1.0.0")
    fleet = Fleet(one).run(5, steady(10, 0.002))
    one.begin(2005.0)
    fleet.run(5, steady(10, 0.002))

    assert [step.restarted for step in steps(fleet.samples)] == [False] * 5 + [True] + [False] * 4
    assert total(step.counts for step in steps(fleet.samples)).calls == 100
    assert series(fleet.samples, "greeting")["releases"]["1.0.0"]["restarts"] == [6.0]


def test_a_restart_that_nobody_saw_makes_no_more_errors_than_calls():
    one = Instance("1.0.0")
    one.serve(0.002)
    fleet = Fleet(one)
    one.begin(1000.5)
    for _ in range(3):
        one.serve(0.002, outcome="RuntimeError")
    fleet.run(1, steady(0, 0.002))

    counts = series(fleet.samples, "greeting")["releases"]["1.0.0"]["counts"]
    assert counts.errors <= counts.calls


def test_calls_during_a_silence_are_counted_when_it_ends_and_drawn_all_along():
    one = Instance("1.0.0")
    fleet = Fleet(one).run(5, steady(10, 0.002))
    one.answers = False
    fleet.run(3, steady(10, 0.002))
    one.answers = True
    fleet.run(2, steady(10, 0.002))

    calls = series(fleet.samples, "greeting")["releases"]["1.0.0"]["calls"]
    assert calls == pytest.approx([10.0] * 10)


def test_another_revision_under_a_programs_name_is_no_restart():
    one = Instance("1.0.0")
    fleet = Fleet(one).run(2, steady(10, 0.002))
    one.revision = "another"
    one.begin(2002.0)
    fleet.run(2, steady(10, 0.002))

    assert not any(step.restarted for step in steps(fleet.samples))
    assert list(names(fleet.samples, "greeting").values()) == ["1.0.0 (rev-1.0)", "1.0.0 (another)"]


def test_shares_and_instances_of_a_canary():
    instances = [Instance("1.0.0", number=1), Instance("1.0.0", number=2, host="app2"), Instance("2.0.0", number=3)]
    fleet = Fleet(*instances).run(10, by_release(v1_0_0=steady(15, 0.002), v2_0_0=steady(10, 0.002)))

    releases = series(fleet.samples, "greeting")["releases"]
    assert releases["2.0.0"]["share"] == pytest.approx([0.25] * 10)
    assert releases["1.0.0"]["calls"] == pytest.approx([30.0] * 10)
    assert releases["1.0.0"]["admitted"] == [2] * 10
    assert all(0.001 < value < 0.0025 for value in releases["2.0.0"]["p50"])


def test_smoke_calls_are_no_calls_of_users():
    old, new = Instance("1.0.0"), Instance("2.0.0", number=2, state="probation")
    fleet = Fleet(old, new).run(5, steady(3, 0.002))
    new.state = "admitted"
    fleet.run(5, by_release(v1_0_0=steady(3, 0.002), v2_0_0=steady(1, 0.002)))

    releases = series(fleet.samples, "greeting")["releases"]
    assert releases["2.0.0"]["share"][:4] == [0] * 4
    assert releases["2.0.0"]["share"][-4:] == pytest.approx([0.25] * 4)
    assert releases["2.0.0"]["counts"].calls < 10


def test_a_long_roll_has_no_more_points_than_asked_for_and_loses_no_call():
    fleet = Fleet(Instance("1.0.0")).run(500, steady(2, 0.002))

    found = series(fleet.samples, "greeting", points=50)
    assert len(found["at"]) == 50
    assert sum(found["releases"]["1.0.0"]["calls"]) * found["step"] == pytest.approx(1000)


def test_thinned_samples_leave_no_gaps():
    fleet = Fleet(Instance("1.0.0")).run(60, steady(10, 0.002))
    thinned = {"app1": fleet.samples["app1"][::5]}

    releases = series(thinned, "greeting")["releases"]
    assert releases["1.0.0"]["admitted"] == [1] * 12
    assert releases["1.0.0"]["calls"] == pytest.approx([10.0] * 12)


def test_spells_tell_what_became_of_an_instance():
    one = Instance("2.0.0", state="probation")
    fleet = Fleet(one).run(5, steady(0, 0.002))
    one.state = "admitted"
    fleet.run(5, steady(5, 0.002))
    one.answers = False
    fleet.run(2, steady(5, 0.002))

    (found,) = spells(fleet.samples)
    assert found["program"] == "greeting-2.0.0-a1"
    assert [(spell["state"], spell["answered"]) for spell in found["spells"]] == [
        ("probation", True),
        ("admitted", True),
        ("admitted", False),
    ]
    assert found["spells"][0]["began"] == 2000.0
    assert found["spells"][-1]["ended"] == 2012.0


def test_nothing_is_made_of_nothing():
    assert series({}, "greeting")["releases"] == {}
    assert series({"app1": []}, "greeting")["at"] == []
    assert spells({"app1": [{"at": 1.0, "instances": []}]}) == []
