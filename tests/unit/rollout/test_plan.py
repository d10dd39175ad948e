"""What an operator is shown before anything happens."""

from fleet.rollout.plan import lines
from tests.unit.rollout.records import half

STEP = {"stage": True, "start": [1, 2], "stop": [1, 2], "evict": []}
STEPS = {host: {"greeting": STEP} for host in ("app1", "app2", "app3")}
BATCHES = {"greeting": [["app1"], ["app2", "app3"]]}


def decision(direction="forward", old=None, new=None):
    change = {"from": old or half(), "to": new or half("2.0.0")}
    return {"direction": direction, "services": ["greeting"], "changes": {"greeting": change}}


def test_each_batch_is_told_with_what_it_does():
    assert lines(decision(), STEPS, BATCHES) == [
        "Roll greeting 1.0.0 -> 2.0.0",
        "  greeting, batch 1 on app1: upload 1, start 2, end 2",
        "  greeting, batch 2 on app2, app3: upload 2, start 4, end 4",
    ]


def test_a_canary_ends_nothing_and_stops_after_its_batch():
    assert lines(decision(), STEPS, BATCHES, canary=True) == [
        "Roll greeting 1.0.0 -> 2.0.0",
        "  greeting, batch 1 on app1: upload 1, start 2",
        "  It stops there, old and new side by side, until `make promote` or `make abort`",
    ]


def test_settings_that_change_with_it_are_told_and_what_nobody_can_compare():
    told = lines(decision(new=half("2.0.0", workers=40)), STEPS, BATCHES, not_compared=["greeting: x is handed on."])
    assert told[1] == "  greeting: workers 10 -> 40"
    assert told[-1] == "  Not compared: greeting: x is handed on."


def test_a_withdrawal_and_nothing_at_all_are_told():
    (told,) = lines(decision("back"), STEPS, {})
    assert told.startswith("Withdraw greeting 1.0.0 -> 2.0.0: what ran before stays")
    assert lines({"direction": "none", "services": [], "changes": {}}, {}, {}) == [
        "Nothing is to be done: what runs is what is asked for."
    ]
