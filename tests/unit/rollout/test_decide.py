"""What a run does, decided from the record and from what there is to do."""

import pytest

from fleet.errors import FleetError
from fleet.rollout.decide import as_kept, back, before, decide, own, what
from tests.unit.rollout.records import half, record, under_way

KNOWN = record(greeting=half(), airports=half())
STEP = {"start": [{}], "stop": []}
NEW = half("2.0.0")


def decided(known, kind, steps=None, **desired):
    return decide(known, kind, desired, steps or {"app1": {}, "app2": {}}, list(desired))


def test_a_fleet_that_is_as_asked_for_is_left_alone():
    assert decided(KNOWN, "deploy", greeting=half(), airports=half())["direction"] == "none"


def test_another_release_is_rolled():
    found = decided(KNOWN, "rollout", {"app1": {"greeting": STEP}}, greeting=NEW)
    assert (found["direction"], found["services"]) == ("forward", ["greeting"])
    assert found["changes"]["greeting"] == {"from": half(), "to": NEW}


def test_what_a_host_lacks_is_mended_without_a_change():
    found = decided(KNOWN, "deploy", {"app1": {}, "app2": {"airports": STEP}}, greeting=half(), airports=half())
    assert found["services"] == ["airports"]
    assert what(found["changes"]) == "airports 1.0.0 (what is missing)"


def test_what_a_deployment_has_no_more_is_removed_and_what_a_rollout_does_not_name_is_not():
    assert decided(KNOWN, "deploy", greeting=half())["changes"]["airports"] == {"from": half(), "to": None}
    assert "airports" not in decided(KNOWN, "rollout", greeting=NEW)["changes"]


def test_services_have_their_turns_in_the_order_that_their_contracts_demand():
    desired = {"greeting": half("2.0.0"), "airports": half("2.0.0")}
    assert decide(KNOWN, "rollout", desired, {}, ["airports", "greeting"])["services"] == ["airports", "greeting"]


def test_the_same_command_goes_on_with_what_was_interrupted():
    known = under_way(KNOWN, greeting=(half(), NEW))
    found = decided(known, "rollout", greeting=NEW)
    assert (found["direction"], found["services"]) == ("forward", ["greeting"])


def test_another_command_is_refused_while_a_roll_is_unfinished():
    known = under_way(KNOWN, greeting=(half(), NEW))
    with pytest.raises(FleetError, match=r"unfinished.*differs in airports.*make abort"):
        decided(known, "rollout", airports=half("3.0.0"))
    with pytest.raises(FleetError, match="differs in greeting"):
        decided(known, "rollout", greeting=half("3.0.0"))


def test_a_command_that_would_change_nothing_does_not_go_on_with_another_roll():
    known = under_way(KNOWN, greeting=(half(), NEW))
    with pytest.raises(FleetError, match="differs in airports"):
        decided(known, "rollout", airports=half())


def test_a_canary_waits_for_a_word():
    known = under_way(KNOWN, "canary", greeting=(half(), NEW))
    with pytest.raises(FleetError, match=r"make promote.*make abort"):
        decided(known, "rollout", greeting=NEW)
    assert decided(known, "promote", greeting=NEW)["direction"] == "forward"
    assert decided(known, "abort", greeting=NEW)["direction"] == "back"


def test_an_interrupted_withdrawal_goes_on_back_whoever_types_the_command_again():
    known = under_way(KNOWN, "withdrawing", greeting=(half(), NEW))
    assert decided(known, "rollout", greeting=NEW)["direction"] == "back"


def test_the_way_back_has_the_former_entries_under_the_revisions_that_ran():
    changes = {"greeting": {"from": half(), "to": NEW}, "trips": {"from": None, "to": half()}}
    entries = before(changes)
    assert entries == {"greeting": half()["entry"]}
    desired = {"greeting": {**entries["greeting"], "revision": "as of today's secrets", "secrets_digest": ""}}
    assert back(desired, changes)["greeting"]["revision"] == half()["revision"]


def test_a_withdrawal_touches_nothing_that_the_record_never_knew_and_the_roll_never_began():
    changes = {"greeting": {"from": half(), "to": NEW}, "trips": {"from": None, "to": half("2.0.0")}}
    instances = [
        {"service": service, "revision": revision}
        for service, revision in [("greeting", "any"), ("trips", "of-2.0.0"), ("trips", "unknown"), ("airports", "any")]
    ]
    kept = [(one["service"], one["revision"]) for one in own(instances, changes)]
    assert kept == [("greeting", "any"), ("trips", "of-2.0.0")]


def test_a_roll_is_told_in_a_few_words():
    changes = {
        "greeting": {"from": half(), "to": NEW},
        "airports": {"from": half(), "to": half(revision="other")},
        "trips": {"from": None, "to": half()},
        "gone": {"from": half(), "to": None},
    }
    assert what(changes) == (
        "greeting 1.0.0 -> 2.0.0, airports 1.0.0 (configuration), trips 1.0.0 (new), gone 1.0.0 (removed)"
    )


def test_a_canary_is_promoted_where_nothing_else_has_changed():
    known = under_way(KNOWN, "canary", greeting=(half(), NEW))
    with pytest.raises(FleetError, match=r"other settings, secrets or playbooks for greeting.*ops@desk.*make abort"):
        decided(known, "promote", greeting=half("2.0.0", revision="with another secret"))


def test_a_record_of_before_there_were_digests_is_as_good():
    desired = half(digest="new")
    assert decided(KNOWN, "deploy", greeting=desired, airports=half())["direction"] == "none"
    found = decided(under_way(KNOWN, greeting=(half(), NEW)), "rollout", greeting={**NEW, "secrets_digest": "new"})
    assert found["direction"] == "forward"


def wanted(digest="new"):
    return {**half("2.0.0", digest=digest), "own_secrets": {"API_KEY": "new"}, "secrets_kept": False}


@pytest.mark.parametrize("former", [{}, {"greeting": half(digest="new")}, {"greeting": {"revision": "of-1.0.0"}}])
def test_secrets_are_the_controllers_where_nothing_says_that_they_were_others(former):
    assert as_kept({"greeting": wanted()}, former) == {"greeting": wanted()}


def test_where_a_service_had_other_secrets_hosts_have_kept_them():
    found = as_kept({"greeting": wanted()}, {"greeting": half(digest="old")})["greeting"]
    assert (found["revision"], found["secrets_digest"]) == ("of-1.0.0", "old")
    assert (found["own_secrets"], found["secrets_kept"]) == ({}, True)


@pytest.mark.parametrize(("digest", "kept"), [("new", False), ("old", True)])
def test_a_withdrawal_brings_back_the_revision_and_its_secrets(digest, kept):
    changes = {"greeting": {"from": half(digest=digest), "to": NEW}}
    found = back({"greeting": wanted()}, changes)["greeting"]
    assert (found["revision"], found["secrets_kept"]) == ("of-1.0.0", kept)
