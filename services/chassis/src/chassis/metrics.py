"""What an instance counts about itself, in Prometheus's format. Every function here is cheap enough to call each time.

prometheus-client's own counters take a lock for each number, which under eventlet is a lock in Python: 3.5 µs a call
against 0.5 µs here, where all greenlets are one thread. So plain numbers are counted, and turned into that library's
metrics when somebody asks. Names and labels are those of nameko-prometheus where that has them.
"""

from bisect import bisect_left
from itertools import accumulate

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.utils import floatToGoString

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # seconds
#: Combinations of label values that one metric can have. Others make up names of methods and errors: what is over
#: this is counted under `OTHER`, so that neither we nor Prometheus grow with it.
COMBINATIONS_MAX = 500
OTHER = "other"
_HTTP_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


class _Tally(dict):
    """Numbers under label values (a tuple). Each is a list, made with `blank` when it is first asked for."""

    def __init__(self, name, documentation, labels, blank=(0,)):
        super().__init__()
        self.name, self.documentation, self.labels = name, documentation, labels
        self._blank = blank

    def __missing__(self, values):
        if len(self) >= COMBINATIONS_MAX:
            values = (OTHER,) * len(self.labels)
        return self.setdefault(values, list(self._blank))

    def rows(self):
        """Label values as text that UTF-8 can hold, and the numbers."""
        return [(tuple(map(_label, values)), numbers) for values, numbers in list(self.items())]


def _label(value):
    return str(value).encode("utf-8", "backslashreplace").decode()


class _Counter(_Tally):
    """How often something happened."""

    def families(self):
        family = CounterMetricFamily(self.name, self.documentation, labels=self.labels)
        if not self.labels:
            self[()]  # a zero is told as well
        for values, (count,) in self.rows():
            family.add_metric(values, count)
        yield family


class _Histogram(_Tally):
    """How long something took: a sum, and one count for each bucket and for what is above the last."""

    _BOUNDS = (*map(floatToGoString, BUCKETS), "+Inf")

    def __init__(self, name, documentation, labels):
        super().__init__(name, documentation, labels, blank=(0.0, *[0] * (len(BUCKETS) + 1)))

    def observe(self, values, seconds):
        numbers = self[values]
        numbers[0] += seconds
        numbers[bisect_left(BUCKETS, seconds) + 1] += 1

    def families(self):
        family = HistogramMetricFamily(self.name, self.documentation, labels=self.labels)
        for values, (total, *counts) in self.rows():
            family.add_metric(values, list(zip(self._BOUNDS, accumulate(counts), strict=True)), total)
        yield family


class _Gauge:
    """A number that goes up and down, or that `value` is a function for."""

    def __init__(self, name, documentation, value=0):
        self.name, self.documentation, self.value = name, documentation, value

    def inc(self):
        self.value += 1

    def dec(self):
        self.value -= 1

    def families(self):
        value = self.value() if callable(self.value) else self.value
        yield GaugeMetricFamily(self.name, self.documentation, value=value)


_served = _Counter("nameko_rpc_requests", "Calls served", ("method_name", "outcome"))
_served_seconds = _Histogram("nameko_rpc_request_latency_seconds", "Duration of calls served", ("method_name",))
_redelivered = _Counter("nameko_rpc_redeliveries", "Calls that RabbitMQ delivered once more", ("method_name",))
_too_late = _Counter("nameko_rpc_requests_too_late", "Calls dropped: their caller had given up", ("method_name",))
_undelivered = _Counter("nameko_rpc_replies_undelivered", "Replies whose caller had no queue", ("method_name",))
in_flight = _Gauge("nameko_rpc_requests_in_flight", "Calls taken and not acknowledged yet")
_busy = _Gauge("nameko_workers_busy", "Workers in use")
_workers = _Gauge("nameko_workers_max", "Workers that there may be (max_workers)")

_made = _Counter("nameko_rpc_calls", "Calls made to other services", ("service", "method_name", "outcome"))
_made_seconds = _Histogram("nameko_rpc_call_latency_seconds", "Duration of calls made", ("service", "method_name"))
_retried = _Counter("nameko_rpc_retries", "Requests sent once more under the same call id", ("service", "method_name"))
_missed = _Counter("nameko_rpc_deadlines_missed", "Calls made that ended in RpcTimeout", ("service", "method_name"))

_connections = _Counter("nameko_broker_connections", "Connections made to RabbitMQ", ())
_connections_lost = _Counter("nameko_broker_connections_lost", "Connections to RabbitMQ that ended unasked", ())
_connected = _Gauge("nameko_broker_connected", "Open connections to RabbitMQ")
_blocked = _Gauge("nameko_broker_blocked", "1 while RabbitMQ takes no messages from us")

_http = _Counter("nameko_http_requests", "HTTP requests", ("http_method", "endpoint", "status_code"))
_http_seconds = _Histogram("nameko_http_request_latency_seconds", "Duration of requests", ("http_method", "endpoint"))
_shed = _Counter("nameko_http_requests_shed", "HTTP requests refused because of overload", ())
_taking = _Gauge("nameko_taking", "1 while the instance takes calls of what it shares with others")

_identity = {}


def served(method, outcome, seconds=None):
    """A call of ours has its answer. `outcome` is `ok` or the name of the error; no `seconds` if none worked on it."""
    _served[method, outcome][0] += 1
    if seconds is not None:
        _served_seconds.observe((method,), seconds)


def redelivered(method):
    """RabbitMQ delivered a call that it had delivered before. `method` may be the routing key."""
    _redelivered[(method.rpartition(".")[2],)][0] += 1


def too_late(method):
    """A call came after its deadline and was not worked on. `method` may be the routing key."""
    _too_late[(method.rpartition(".")[2],)][0] += 1


def undelivered(method):
    """A reply found no queue, however often it was sent. `method` may be the routing key."""
    _undelivered[(method.rpartition(".")[2],)][0] += 1


def workers(busy, most):
    """Have `busy()` asked for the workers in use, of `most`, whenever somebody wants to know."""
    _busy.value, _workers.value = busy, most


def taking(is_taking):
    """Have `is_taking()` asked whether the instance takes calls, whenever somebody wants to know."""
    _taking.value = is_taking


def made(service, method, outcome, seconds):
    """A call to another service has its answer, or none. `outcome` is `ok` or the name of the error."""
    _made[service, method, outcome][0] += 1
    _made_seconds.observe((service, method), seconds)


def retried(service, method):
    """A request was sent once more."""
    _retried[service, method][0] += 1


def deadline_missed(service, method):
    """A call to another service was not answered in time."""
    _missed[service, method][0] += 1


def connection(event):
    """What happened to a connection to RabbitMQ: `connected`, `lost`, `blocked` or `unblocked`."""
    if event == "connected":
        _connections[()][0] += 1
        _connected.inc()
    elif event == "lost":
        _connections_lost[()][0] += 1
        _connected.dec()
    blocked(event == "blocked")  # a new connection is not, until it is told so


def blocked(is_blocked):
    """Whether RabbitMQ takes no messages from us at the moment."""
    _blocked.value = int(is_blocked)


def http(method, route, status, seconds):
    """An HTTP request has its answer. `route` is the template (`/airport/<id>`), never the path that was asked for."""
    method = method if method in _HTTP_METHODS else OTHER
    _http[method, route, status][0] += 1
    _http_seconds.observe((method, route), seconds)


def refused(status):
    """What came was no HTTP request that could be answered: nobody knows its method or path."""
    _http[OTHER, OTHER, status][0] += 1


def shed():
    """An HTTP request was refused at once, because there is too much to do."""
    _shed[()][0] += 1


def identify(**identity):
    """Say who counts: service, release and instance."""
    _identity.update(identity)


class _Collector:
    """All of the above for prometheus-client."""

    def collect(self):
        yield InfoMetricFamily("nameko_instance", "Which instance this is", value=_identity)
        for metric in _ALL:
            yield from metric.families()


_ALL = [value for value in globals().values() if isinstance(value, _Tally | _Gauge)]
# Not the process-wide one: what libraries put there is none of the fleet's promises.
_REGISTRY = CollectorRegistry()
_REGISTRY.register(_Collector())
ProcessCollector(registry=_REGISTRY)


def exposition():
    """Return everything as bytes, and their content type."""
    return generate_latest(_REGISTRY), CONTENT_TYPE_PLAIN_0_0_4
