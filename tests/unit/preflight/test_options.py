"""What is typed for a roll itself is judged before a canary has to find out."""

import pytest

from tests.unit.preflight.fleets import problems


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("rollout_limits", {"p95ratio": 2}, "did you mean p95_ratio"),
        ("rollout_limits", {"p95_ratio": "2"}, "give a number"),
        ("rollout_limits", "p95_ratio=2", "give names with numbers"),
        ("rollout_unsure", "withdarw", "valid: continue, withdraw"),
        ("rollout_batch", "0", "give a percentage from 1% to 100%"),
        ("rollout_bake", "soon", "give a whole number"),
        ("rollout_settle", -1, "give a whole number"),
        ("releases_kept", 0, "1 or more"),
        ("releases_kept", True, "1 or more"),
    ],
)
def test_what_means_nothing_is_refused_with_what_would(facts, name, given, said):
    facts["options"][name] = given
    (problem,) = problems(facts)
    assert said in problem


def test_what_is_typed_with_e_is_text_and_counts_as_well(facts):
    facts["options"] |= {"rollout_bake": "0", "releases_kept": "5", "rollout_limits": {"min_calls": 200}}
    assert problems(facts) == []


@pytest.mark.parametrize("canary", ["0%", "150%", "abc", "25"])
def test_a_canary_is_a_share(facts, canary):
    (problem,) = problems({**facts, "canary": canary})
    assert "CANARY" in problem


def test_a_deployment_that_only_tells_is_a_check(facts):
    facts["options"]["plan_only"] = True
    (problem,) = problems(facts)
    assert "make deploy ARGS='--check --diff'" in problem
