"""Smoke calls on services that are tested without instances."""

import json as jsons

from chassis.testing.proxy import InProcess


class InProcessInstance:
    """Stands in for the instance that `smoke` gets.

    Args:
        service: what RPC calls go to, such as a `worker_factory`'s.
        calls: the `Calls` that the service has for `Call()`, if it has.
        served: the `Served` service that HTTP requests go to.
    """

    id = "tried-1.0.0-a1@app1"

    def __init__(self, service=None, calls=None, served=None):
        self._service, self._calls, self._served = service, calls, served

    def call(self, method, *args, **kwargs):
        """As `chassis.prove.smoke.SmokeInstance.call`."""
        return getattr(InProcess(self._service), method)(*args, **kwargs)

    def call_as(self, call_id, method, *args, **kwargs):
        """As `chassis.prove.smoke.SmokeInstance.call_as`."""
        with self._calls.under(f"{self._service.name}.{method}.{call_id}"):
            return self.call(method, *args, **kwargs)

    def http(self, method, path, json=None, headers=None):
        """As `chassis.prove.smoke.SmokeInstance.http`."""
        return self._served.request(method, path, None if json is None else jsons.dumps(json), headers or {})
