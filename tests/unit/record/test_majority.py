"""What most of the core hosts say is what the fleet says."""

import pytest

from fleet.errors import FleetError
from fleet.record import majority
from tests.unit.record.fleets import CORE, answer, record

CORRUPT = {"record": "record.json is corrupt."}


def newest(*given):
    return majority.newest(dict(zip(CORE, given, strict=True)), CORE)


def test_the_newest_record_counts_though_one_host_alone_has_it():
    assert newest(answer(record(4)), answer(record(5)), answer())["version"] == 5


def test_a_fleet_without_a_record_has_an_empty_one():
    assert newest(answer(), answer(), None) == record(0)


def test_one_host_of_three_is_enough_to_miss():
    assert newest(answer(record(4)), None, answer(record(4)))["version"] == 4


def test_two_are_too_many_and_are_named():
    with pytest.raises(FleetError, match=r"core2, core3 can't be asked: 2 of 3 must answer\. Type `make status`"):
        newest(answer(record(4)), None, None)


def test_a_corrupt_record_counts_for_nothing_as_it_may_have_been_the_newest():
    assert newest(answer(record(5)), answer(broken=CORRUPT), answer(record(4)))["version"] == 5
    with pytest.raises(FleetError, match=r"core2: record.json is corrupt\. Bring core3 back"):
        newest(answer(record(5)), answer(broken=CORRUPT), None)


def test_where_all_hosts_answer_only_forgetting_it_is_left():
    with pytest.raises(FleetError, match="Delete the file on core1, which forgets it"):
        majority.newest({"core1": answer(broken=CORRUPT)}, ["core1"])


def test_a_corrupt_lock_hides_no_record():
    assert newest(answer(record(5), broken={"lock": "lock.json is corrupt."}), answer(record(5)), None)["version"] == 5


def test_of_two_records_with_one_version_that_of_most_hosts_counts():
    other = record(5, services={"greeting": {}})
    assert newest(answer(record(5)), answer(other), answer(other)) == other
    assert newest(answer(other), answer(other), answer(record(5))) == other


def test_a_record_of_a_later_form_is_told_as_an_old_clone():
    with pytest.raises(FleetError, match=r"older than the fleet\. Type `git pull`"):
        newest(answer(record(5, format=2)), answer(), answer())


def test_what_a_majority_has_done_is_kept_and_what_fewer_have_is_an_error():
    assert majority.kept({"core1": answer(), "core2": None, "core3": answer()}, CORE, "The roll")
    with pytest.raises(FleetError, match="The roll is known to core1 alone, but 2 of core1, core2, core3 must"):
        majority.kept({"core1": answer(), "core2": answer(done=False), "core3": None}, CORE, "The roll")


def test_a_host_where_the_module_did_not_run_to_its_end_has_not_answered():
    hostvars = {"core1": {"said": answer()}, "core2": {"said": {"failed": True}}, "core3": {}}
    assert majority.answers(CORE, hostvars, "said") == {"core1": answer(), "core2": None, "core3": None}
