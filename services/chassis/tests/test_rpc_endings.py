"""However a method ends, its caller is told; but for one that is killed, whose call is another instance's to do."""

import eventlet
import pytest
from chassis.rpc import rpc
from nameko.exceptions import RemoteError

from .conftest import eventually
from .work import requests_of


class OddEnd(BaseException):
    """No `Exception`."""


class Ending:
    name = "ending_service"
    begun = 0

    @rpc
    def time_out(self):
        with eventlet.Timeout(0.01):
            eventlet.sleep(60)

    @rpc
    def end_oddly(self):
        raise OddEnd("so")

    @rpc
    def stay(self):
        Ending.begun += 1
        if Ending.begun == 1:
            eventlet.sleep(60)
        return Ending.begun


@pytest.mark.parametrize(("method", "told"), [("time_out", "Timeout 0.01"), ("end_oddly", "OddEnd so")])
def test_what_is_no_exception_is_answered_and_acknowledged_like_any_error(here, rabbitmq, vhost, method, told):
    container = here.start(Ending)
    with pytest.raises(RemoteError, match=told):
        getattr(here.calls().ending_service, method)()
    eventually(lambda: not requests_of(container)._in_hand)
    container.stop()
    assert rabbitmq.depth(vhost, "rpc-ending_service") == 0


def test_a_call_whose_worker_is_killed_is_not_answered_but_done_by_another_instance(here):
    Ending.begun = 0
    container = here.start(Ending)
    reply = here.calls().ending_service.stay.call_async()
    eventually(lambda: Ending.begun == 1)
    container.kill()
    assert not reply.event.ready()
    here.start(Ending)
    assert reply.result() == 2
