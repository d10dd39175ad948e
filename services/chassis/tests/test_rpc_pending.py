"""What a caller keeps of the calls that it has made."""

import uuid

import eventlet
import pytest
from chassis.errors import RpcTimeout

from .slow import Slow


def test_calls_that_nobody_asks_for_are_forgotten(here, monkeypatch):
    monkeypatch.setattr("chassis.rpc.caller.SWEEP_PAUSE", 0.01)
    here.start(Slow, max_workers=50)
    slow = here.calls().slow_service
    patient = [slow.wait.call_async(5) for _ in range(3)]
    for _ in range(10):
        slow.wait.using(timeout=0.05).call_async(5)
    assert len(slow._caller._pending) == 13
    eventlet.sleep(0.1)
    slow.wait(0)
    assert list(slow._caller._pending.values()) == patient


def test_two_calls_under_one_id_at_the_same_time_both_get_the_result(slow):
    call_id = str(uuid.uuid4())
    replies = [slow.wait.using(call_id=call_id).call_async(0.1) for _ in range(2)]
    assert [reply.result() for reply in replies] == [0.1, 0.1]


@pytest.mark.parametrize("timeouts", [(0.05, 5), (5, 0.05)])
def test_of_two_calls_under_one_id_the_one_with_more_time_gets_the_result(slow, timeouts):
    call_id = str(uuid.uuid4())
    replies = [slow.wait.using(call_id=call_id, timeout=seconds).call_async(0.2) for seconds in timeouts]
    hasty, patient = sorted(replies, key=lambda reply: reply.deadline)
    with pytest.raises(RpcTimeout):
        hasty.result()
    assert patient.result() == 0.2
