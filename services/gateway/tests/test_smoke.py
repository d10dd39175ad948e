"""The smoke calls: they pass on the service, and find out one whose services don't answer."""

import pytest
from chassis.errors import Unavailable
from chassis.testing.smoke import InProcessInstance
from gateway.service import GatewayService
from gateway.smoke import smoke


class Gone:
    def __getattr__(self, _method):
        def call(*_args):
            raise Unavailable("nobody is there")

        return call


def test_they_pass(api):
    smoke(InProcessInstance(served=api))


def test_they_find_out_one_that_gets_no_answers(serve, redis_server):
    config = {"REDIS_URIS": {"redis": redis_server.uri("gateway")}}
    served = serve(GatewayService, config, airports=Gone(), greeting=Gone(), trips=Gone())
    with pytest.raises(AssertionError, match=r"expected status 200, found 503: .*nobody is there"):
        smoke(InProcessInstance(served=served))
