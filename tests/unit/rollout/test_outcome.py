"""What Ansible's results mean to a roll."""

from fleet.rollout.outcome import failures, reason, sentence

FACT = "__failed"


def test_hosts_that_failed_and_hosts_that_were_lost_both_stop_the_roll():
    hostvars = {"app1": {}, "app2": {FACT: "it answers wrongly"}, "app3": {}}
    found = failures(["app1", "app2", "app3"], ["app1", "app2"], hostvars, FACT)
    assert [one["host"] for one in found] == ["app2", "app3"]
    assert "skip=app3" in found[1]["reason"]


def test_all_is_well_when_no_host_failed():
    assert failures(["app1"], ["app1"], {"app1": {}}, FACT) == []


def test_a_failed_loop_says_what_its_items_say():
    items = [{"failed": True, "msg": "one"}, {"msg": "fine"}, {"failed": True, "msg": "two"}]
    assert reason({"msg": "One or more items failed", "results": items}) == "one two"
    assert reason({"msg": "", "stderr": "no such file"}) == "no such file"
    assert reason({}) == "it failed without a word"


def test_hosts_with_one_reason_are_named_together():
    found = [{"host": host, "reason": "disk full."} for host in ("app1", "app2")]
    assert sentence([*found, {"host": "app3", "reason": "app3 is gone."}]) == "app1, app2: disk full. app3 is gone."
