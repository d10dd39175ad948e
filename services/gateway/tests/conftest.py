"""The gateway before real services on a real Redis; only the broker between them is left out."""

import pytest
from airports.service import AirportsService
from chassis.testing.calls import Calls
from chassis.testing.proxy import InProcess
from gateway.service import GatewayService
from greeting.service import GreetingService
from nameko.testing.services import worker_factory
from trips.service import TripsService


@pytest.fixture
def api(serve, redis_server):
    proxies, clients = {"greeting": InProcess(worker_factory(GreetingService))}, []
    for name, service_cls in (("airports", AirportsService), ("trips", TripsService)):
        clients.append(redis_server.service_client(name))
        parts = {"redis": clients[-1], "call": Calls(), "config": {"REDIS_REPLICAS": 0}}
        proxies[name] = InProcess(worker_factory(service_cls, **parts))
    served = serve(GatewayService, {"REDIS_URIS": {"redis": redis_server.uri("gateway")}}, **proxies)
    yield served
    for client in clients:
        served.in_hub(client.close)
