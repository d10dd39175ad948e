"""What starts and stops on an app host, decided from the catalogue and what runs."""

from types import MappingProxyType

import pytest

from fleet.errors import FleetError
from fleet.instances import plan

WANTED = {
    "release": "2.0.0",
    "manifest_sha256": "5a",
    "revision": "new",
    "address": "10.0.0.1",
    "instances": 2,
    "port": 8120,
}


def running(program, revision="new", process="RUNNING", state="admitted", ready=200, address="10.0.0.1"):
    service, release, place = program.split("-")
    return {
        "program": program,
        "service": service,
        "release": release,
        "slot": place[0],
        "number": int(place[1:]),
        "revision": revision,
        "address": address,
        "process": process,
        "state": state,
        "ready": ready,
    }


def steps(*instances, staged=MappingProxyType({"2.0.0": "5a"}), wanted=WANTED):
    return plan({"greeting": wanted} if wanted else {}, "app1", instances, {"greeting": staged}).get("greeting")


def started(step):
    return [(one["program"], one["port"]) for one in step["start"]]


def test_an_empty_host_stages_and_starts_in_the_first_slot():
    step = steps(staged={"1.0.0": "4b"})
    assert step["stage"]
    assert started(step) == [("greeting-2.0.0-a1", 8120), ("greeting-2.0.0-a2", 8121)]
    assert not step["stop"]
    assert not step["replaces"]


def test_only_what_may_have_anybodys_calls_is_drained():
    step = steps(running("greeting-1.0.0-a1", "old"), running("greeting-1.0.0-a2", "old", state="probation"))
    assert step["stop"] == ["greeting-1.0.0-a1", "greeting-1.0.0-a2"]
    assert step["drain"] == ["greeting-1.0.0-a1"]
    gone = steps(
        running("greeting-1.0.0-a1", state="draining"), running("greeting-1.0.0-a2", state="probation"), wanted=None
    )
    assert gone["drain"] == ["greeting-1.0.0-a1"]


def test_what_is_as_desired_needs_nothing():
    assert steps(running("greeting-2.0.0-b1"), running("greeting-2.0.0-b2")) is None


def test_an_instance_that_listens_at_another_address_gives_way():
    step = steps(running("greeting-2.0.0-a1", address="10.0.0.9"), running("greeting-2.0.0-a2", address="10.0.0.9"))
    assert started(step) == [("greeting-2.0.0-b1", 8130), ("greeting-2.0.0-b2", 8131)]
    assert step["replaces"]


def test_an_instance_in_probation_is_started_again_until_it_is_admitted():
    step = steps(running("greeting-2.0.0-a1", state="probation", ready=503), running("greeting-2.0.0-a2"))
    assert started(step) == [("greeting-2.0.0-a1", 8120)]
    assert not step["stop"]


def test_one_that_its_host_holds_back_is_as_desired_if_it_is_right():
    assert steps(running("greeting-2.0.0-b1", state="held", ready=503), running("greeting-2.0.0-b2")) is None


def test_a_new_release_starts_in_the_free_slot_before_the_old_stops():
    step = steps(running("greeting-1.0.0-a1", "old"), running("greeting-1.0.0-a2", "old"))
    assert started(step) == [("greeting-2.0.0-b1", 8130), ("greeting-2.0.0-b2", 8131)]
    assert step["stop"] == ["greeting-1.0.0-a1", "greeting-1.0.0-a2"]
    assert step["evict"] == []
    assert step["replaces"]


def test_a_change_of_configuration_is_a_roll_of_the_same_release():
    step = steps(running("greeting-2.0.0-a1", "old"), running("greeting-2.0.0-a2", "old"))
    assert started(step) == [("greeting-2.0.0-b1", 8130), ("greeting-2.0.0-b2", 8131)]
    assert step["stop"] == ["greeting-2.0.0-a1", "greeting-2.0.0-a2"]


def test_an_interrupted_roll_is_finished_in_its_own_slot():
    step = steps(running("greeting-1.0.0-a1", "old"), running("greeting-1.0.0-a2", "old"), running("greeting-2.0.0-b1"))
    assert started(step) == [("greeting-2.0.0-b2", 8131)]
    assert step["stop"] == ["greeting-1.0.0-a1", "greeting-1.0.0-a2"]


def test_remains_of_an_abandoned_roll_make_room_and_the_serving_ones_stay_until_the_new_are_there():
    step = steps(
        running("greeting-1.0.0-a1", "old"), running("greeting-1.0.0-a2", "old"), running("greeting-1.5.0-b1", "mid")
    )
    assert step["evict"] == ["greeting-1.5.0-b1"]
    assert [program for program, _ in started(step)] == ["greeting-2.0.0-b1", "greeting-2.0.0-b2"]
    assert step["stop"] == ["greeting-1.0.0-a1", "greeting-1.0.0-a2"]


def test_a_program_that_gave_up_is_started_again_where_it_is():
    step = steps(running("greeting-2.0.0-a1"), running("greeting-2.0.0-a2", process="FATAL"))
    assert started(step) == [("greeting-2.0.0-a2", 8121)]
    assert step["stop"] == []


def test_fewer_instances_stop_the_surplus_only():
    step = steps(running("greeting-2.0.0-a1"), running("greeting-2.0.0-a2"), running("greeting-2.0.0-a3"))
    assert started(step) == []
    assert step["stop"] == ["greeting-2.0.0-a3"]


def test_a_service_that_left_the_catalogue_stops():
    assert steps(running("greeting-1.0.0-a1"), wanted=None)["stop"] == ["greeting-1.0.0-a1"]


def test_a_release_that_was_built_again_with_other_content_is_refused():
    with pytest.raises(FleetError, match=r"greeting 2\.0\.0 on app1 .* never changes.*make release SERVICE=greeting"):
        steps(staged={"2.0.0": "other"})


def test_after_a_bad_release_those_that_serve_stay_until_the_next_one_is_there():
    bad = [running(f"greeting-1.5.0-b{number}", "bad", process="FATAL", ready=0) for number in (1, 2)]
    step = steps(running("greeting-1.0.0-a1", "old"), running("greeting-1.0.0-a2", "old"), *bad)
    assert step["evict"] == ["greeting-1.5.0-b1", "greeting-1.5.0-b2"]
    assert step["stop"] == ["greeting-1.0.0-a1", "greeting-1.0.0-a2"]


def test_an_instance_that_serves_with_other_files_than_it_should_is_drained_and_not_evicted():
    step = steps(running("greeting-2.0.0-a1", revision=""), running("greeting-2.0.0-a2"))

    assert started(step) == [("greeting-2.0.0-b1", 8130), ("greeting-2.0.0-b2", 8131)]
    assert step["stop"] == ["greeting-2.0.0-a1", "greeting-2.0.0-a2"]
    assert step["evict"] == []
