"""What the fleet's record, and the state of its broker, say against a run."""

from fleet.catalogue import complete
from fleet.record.document import empty
from tests.unit.preflight.fleets import NO_RECORD, PASSWORDS, problems


def answers(record, hosts=("core1", "core2", "core3")):
    return {host: {**NO_RECORD, "record": record} for host in hosts}


def left_behind(facts, service):
    """A record of which the catalogue has what was replaced."""
    entries = complete(facts["services"])
    old = {"entry": entries[service], "revision": "old", "until": 1790000000, "by": "ops@desk", "roll": "R1"}
    now = {name: {"entry": entry, "revision": "r", "since": 1} for name, entry in entries.items()}
    now[service] = {**now[service], "entry": {**entries[service], "release": "2.0.0"}}
    return {**empty(), "version": 3, "services": now, "replaced": {service: [old]}}


def test_a_catalogue_that_the_fleet_has_left_behind_is_refused_until_that_is_meant(facts):
    facts["record_answers"] = answers(left_behind(facts, "greeting"))
    (problem,) = problems(facts)
    assert "this clone is older than the fleet" in problem
    assert "`git pull`" in problem
    assert "allow_older=greeting" in problem
    assert not problems({**facts, "allow_older": ["greeting"]})


def test_who_names_a_release_may_go_back_to_it(facts):
    facts |= {"record_answers": answers(left_behind(facts, "greeting")), "catalogue": complete(facts["services"])}
    assert problems({**facts, "kind": "rollout", "rolls": ["greeting"]})
    assert not problems({**facts, "kind": "rollout", "rolls": ["greeting"], "release": "1.0.0"})


def test_but_not_with_settings_that_the_fleet_has_left_behind(facts):
    record = left_behind(facts, "greeting")
    record["services"]["greeting"]["entry"] = {**record["services"]["greeting"]["entry"], "workers": 40}
    facts |= {"record_answers": answers(record), "kind": "rollout", "rolls": ["greeting"], "release": "1.0.0"}
    (problem,) = problems({**facts, "catalogue": complete(facts["services"])})
    assert "this clone is older than the fleet" in problem
    # After a rollback, whose release the file follows: as a whole the fleet has never had this.
    newer = {**facts["services"], "greeting": {**facts["services"]["greeting"], "release": "1.5.0"}}
    assert not problems({**facts, "catalogue": complete(newer)})


def test_a_roll_of_one_service_asks_nothing_of_the_others(facts):
    facts["record_answers"] = answers(left_behind(facts, "greeting"))
    assert not problems({**facts, "kind": "rollout", "rolls": ["airports"]})


def test_a_record_that_too_few_hosts_can_read_is_a_reason_not_to_begin(facts):
    facts["record_answers"] = {"core1": NO_RECORD, "core2": None, "core3": None}
    assert any("core2, core3 can't be asked" in problem for problem in problems(facts))


def test_services_do_not_roll_while_a_broker_node_is_down(facts):
    members = [f"rabbit@core{number}" for number in (1, 2, 3)]
    whole = {"running": True, "members": members, "running_nodes": members, "alarms": []}
    for host in ("core1", "core2", "core3"):
        facts["hosts"][host]["broker"] = whole
    assert not problems(facts)
    facts["hosts"]["core1"]["broker"] = {**whole, "running_nodes": members[:2]}
    facts["hosts"]["core2"]["broker"] = {**whole, "stopped": ["rpc-greeting_service"]}
    facts["hosts"]["core3"]["broker"] = {"running": False}
    found = problems(facts)
    assert any("core1 doesn't see rabbit@core3 running" in problem for problem in found)
    assert any("core2 has no running replica of rpc-greeting_service" in problem for problem in found)
    assert any("RabbitMQ doesn't run on core3" in problem for problem in found)


def test_a_roll_that_would_need_other_balancers_or_users_is_sent_to_a_deployment(facts):
    record = left_behind(facts, "greeting")
    facts = {**facts, "record_answers": answers(record), "kind": "rollout", "rolls": ["greeting"], "release": "1.0.0"}
    assert not problems(facts)
    facts["services"]["greeting"]["instances"] = 3
    (problem,) = problems(facts)
    assert "greeting.instances" in problem
    assert "`make deploy`" in problem


def test_a_secret_that_hosts_have_kept_need_not_be_in_this_clone_for_a_rollback(facts):
    facts["services"]["greeting"] = {**facts["services"]["greeting"], "secrets": ["API_KEY"]}
    facts["record_answers"] = answers(left_behind(facts, "greeting"))
    asked = {**facts, "rolls": ["greeting"], "release": "1.0.0"}
    assert any("greeting.API_KEY is missing" in problem for problem in problems({**asked, "kind": "rollout"}))
    assert not problems({**asked, "kind": "rollback"})


def with_weather(facts):
    """A record with a service that the catalogue lacks."""
    record = left_behind(facts, "greeting")
    record["replaced"] = {}
    record["services"]["greeting"]["entry"] = {**record["services"]["greeting"]["entry"], "release": "1.0.0"}
    record["services"]["weather"] = record["services"]["greeting"]
    return record


def test_a_clone_that_never_had_a_service_does_not_end_it_unless_that_is_meant(facts):
    facts["record_answers"] = answers(with_weather(facts))
    (problem,) = problems(facts)
    assert "this clone has never had it" in problem
    assert not problems({**facts, "allow_older": ["weather"]})
    facts["secrets"]["services"]["weather"] = PASSWORDS
    assert not problems(facts)


def test_a_service_does_not_leave_with_a_canary_or_while_a_roll_is_unfinished(facts):
    record = with_weather(facts)
    facts["record_answers"] = answers(record)
    facts["secrets"]["services"]["weather"] = PASSWORDS
    assert any("a canary ends nothing" in one for one in problems({**facts, "canary": "25%"}))
    roll = {"id": "R", "who": "ops@desk", "what": "greeting 1.0.0 -> 2.0.0", "services": {}, "phase": "rolling"}
    facts["record_answers"] = answers({**record, "roll": roll})
    assert any("is unfinished" in one for one in problems(facts))


def test_where_the_record_can_not_be_read_that_is_all_that_is_said_of_services(facts):
    facts["record_answers"] = {"core1": NO_RECORD, "core2": None, "core3": None}
    for kind in ("rollout", "rollback", "promote", "abort"):
        (problem,) = problems({**facts, "kind": kind, "services": {}, "rolls": []})
        assert "core2, core3 can't be asked" in problem


def test_somebody_else_who_is_at_work_is_named_before_anything_else_is_begun(facts):
    lock = {"token": "t", "who": "ops@desk", "what": "make deploy", "since": 1790000000, "until": 4e9}
    lock |= {"controller": "another machine", "pid": 1, "process_started": 1}
    facts["record_answers"] = {name: {**NO_RECORD, "lock": lock} for name in ("core1", "core2", "core3")}
    (problem,) = problems(facts)
    assert problem.startswith("ops@desk has been changing the fleet with `make deploy`")
    assert not problems({**facts, "tells_only": True})


def test_a_fleet_without_core_hosts_is_told_that_alone(facts):
    facts["groups"]["core"], facts["record_answers"] = [], {}
    assert not any("can't be asked" in problem for problem in problems(facts))


def test_secrets_of_no_service_are_no_reason_to_fall_over(facts):
    facts["record_answers"] = answers(with_weather(facts))
    facts["secrets"]["services"] = None
    assert any("this clone has never had it" in problem for problem in problems(facts))
