"""RPC for scripts and tests, outside of any service: drop-in for `nameko.standalone.rpc`.

Where stock Nameko's proxies are good for one thread, hang behind a balancer that closes silent connections, and are
useless after a lost connection, these connect again and keep every call's deadline.
"""

from nameko.containers import WorkerContext
from nameko.extensions import Entrypoint

from chassis.rpc.caller import Caller
from chassis.rpc.client import ServiceProxy
from chassis.rpc.connection import link_from_config
from chassis.rpc.deadline import checked_timeout

CONNECT_TIMEOUT = 10  # seconds


class _Container:
    """As much of a container as a call needs."""

    service_name = "standalone_rpc_proxy"

    def __init__(self, config):
        self.config = config
        self.shared_extensions = {}


class _Entrypoint(Entrypoint):
    method_name = "call"


class _StandaloneProxy:
    """A proxy to be used as a context manager, or between `start` and `stop`.

    Args:
        config: Nameko's settings, AMQP_URI at least. With HEARTBEAT a connection that is silent for twice as many
            seconds is given up, if the script waits for anything (by eventlet); without, calls on it end at their
            deadlines until the system notices.
        context_data: what each call carries in its headers.
        timeout: seconds for each call, instead of the setting RPC_TIMEOUT.
    """

    def __init__(self, config, context_data=None, timeout=None):
        container = _Container(config)
        self._worker_ctx = WorkerContext(container, service=None, entrypoint=_Entrypoint, data=context_data)
        # No heartbeat unless it is asked for: a script that computes, or waits for somebody to type, can't keep it up,
        # and would connect anew with each call that follows.
        self._link = link_from_config({"HEARTBEAT": 0, **config}, container.service_name)
        self._caller = Caller(self._link, config, container.service_name)
        self._options = {} if timeout is None else {"timeout": checked_timeout(timeout)}

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def start(self):
        """Connect, and return what to call. Calls wait for the connection if the broker takes its time."""
        self._link.start()
        self._link.wait(CONNECT_TIMEOUT)
        return self._proxy()

    def stop(self):
        """Close the connection."""
        self._link.stop()

    def _service(self, name):
        return ServiceProxy(self._worker_ctx, name, self._caller, self._options)


class ServiceRpcProxy(_StandaloneProxy):
    """A proxy to one service: `with ServiceRpcProxy("greeting_service", config) as greeting: greeting.hello("you")`."""

    def __init__(self, service_name, config, context_data=None, timeout=None):
        super().__init__(config, context_data, timeout)
        self._service_name = service_name

    def _proxy(self):
        return self._service(self._service_name)


class ClusterRpcProxy(_StandaloneProxy):
    """A proxy to every service: `with ClusterRpcProxy(config) as n: n.greeting_service.hello("you")`."""

    def _proxy(self):
        return ClusterProxy(self._service)


class ClusterProxy:
    """Services as attributes or, where a name is none of Python's, as items."""

    def __init__(self, service):
        self._service = service

    def __getattr__(self, name):
        return self._service(name)

    def __getitem__(self, name):
        return self._service(name)
