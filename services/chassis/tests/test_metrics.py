"""What an instance says about itself to Prometheus, as Prometheus reads it."""

import os

import pytest
from chassis import metrics
from prometheus_client.parser import text_string_to_metric_families


def samples():
    """Every sample as `name{label="value"}`, labels in order, and its value."""
    content, content_type = metrics.exposition()
    assert content_type.startswith("text/plain; version=0.0.4")
    found = {}
    for family in text_string_to_metric_families(content.decode()):
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            found[sample.name + (f"{{{labels}}}" if labels else "")] = sample.value
    return found


@pytest.fixture
def grown():
    """A function that tells what has grown, and by how much, since the test began: other tests count as well."""
    before = samples()

    def difference(containing=""):
        now = samples()
        changes = {name: value - before.get(name, 0) for name, value in now.items() if not name.startswith("process_")}
        return {name: change for name, change in changes.items() if change and containing in name}

    return difference


def test_a_call_that_was_served_is_counted_and_timed(grown):
    metrics.served("get", "ok", 0.004)
    metrics.served("get", "NotFound", 20)

    assert grown("requests_total") == {
        'nameko_rpc_requests_total{method_name="get",outcome="ok"}': 1,
        'nameko_rpc_requests_total{method_name="get",outcome="NotFound"}': 1,
    }
    assert grown("latency_seconds_sum") == {'nameko_rpc_request_latency_seconds_sum{method_name="get"}': 20.004}
    buckets = grown("latency_seconds_bucket")
    assert buckets['nameko_rpc_request_latency_seconds_bucket{le="0.005",method_name="get"}'] == 1
    assert buckets['nameko_rpc_request_latency_seconds_bucket{le="10.0",method_name="get"}'] == 1
    assert buckets['nameko_rpc_request_latency_seconds_bucket{le="+Inf",method_name="get"}'] == 2
    assert 'nameko_rpc_request_latency_seconds_bucket{le="0.0025",method_name="get"}' not in buckets


def test_a_duration_on_a_buckets_edge_is_in_it(grown):
    metrics.served("edge", "ok", 0.001)
    assert grown("bucket")['nameko_rpc_request_latency_seconds_bucket{le="0.001",method_name="edge"}'] == 1


def test_a_call_that_was_made_is_counted_and_timed(grown):
    metrics.made("trips_service", "create", "RpcTimeout", 1.5)
    metrics.retried("trips_service", "create")
    metrics.deadline_missed("trips_service", "create")

    labels = 'method_name="create",service="trips_service"'
    assert grown("_total") == {
        'nameko_rpc_calls_total{method_name="create",outcome="RpcTimeout",service="trips_service"}': 1,
        f"nameko_rpc_retries_total{{{labels}}}": 1,
        f"nameko_rpc_deadlines_missed_total{{{labels}}}": 1,
    }
    assert grown("latency_seconds_sum") == {f"nameko_rpc_call_latency_seconds_sum{{{labels}}}": 1.5}


def test_what_came_again_or_too_late_or_found_nobody_is_counted_by_method(grown):
    metrics.redelivered("airports_service.get")
    metrics.too_late("list")
    metrics.undelivered("airports_service.list")

    assert grown() == {
        'nameko_rpc_redeliveries_total{method_name="get"}': 1,
        'nameko_rpc_requests_too_late_total{method_name="list"}': 1,
        'nameko_rpc_replies_undelivered_total{method_name="list"}': 1,
    }


@pytest.fixture
def idle(monkeypatch):
    """No workers yet, whatever other tests have left in this process."""
    for gauge in (metrics._busy, metrics._workers, metrics.in_flight):
        monkeypatch.setattr(gauge, "value", 0)


@pytest.mark.usefixtures("idle")
def test_workers_are_asked_for_when_somebody_wants_to_know(grown):
    metrics.workers(lambda: 7, 50)
    metrics.in_flight.inc()
    metrics.in_flight.inc()
    metrics.in_flight.dec()

    assert grown() == {"nameko_workers_busy": 7, "nameko_workers_max": 50, "nameko_rpc_requests_in_flight": 1}


def test_the_brokers_connection_is_told(grown, monkeypatch):
    monkeypatch.setattr(metrics._connected, "value", metrics._connected.value)
    monkeypatch.setattr(metrics._blocked, "value", 0)
    metrics.connection("connected")
    metrics.connection("blocked")
    assert grown() == {
        "nameko_broker_connections_total": 1, "nameko_broker_connected": 1, "nameko_broker_blocked": 1,
    }  # fmt: skip

    metrics.connection("unblocked")
    assert "nameko_broker_blocked" not in grown()

    metrics.connection("blocked")
    metrics.connection("lost")
    metrics.connection("connected")
    assert grown() == {
        "nameko_broker_connections_total": 2, "nameko_broker_connections_lost_total": 1, "nameko_broker_connected": 1,
    }  # fmt: skip


def test_http_requests_are_counted_by_route_and_not_by_path(grown):
    metrics.http("GET", "/airport/<airport_id>", 200, 0.01)
    metrics.http("BREW", "none", 405, 0.01)
    metrics.shed()
    metrics.refused(431)

    assert grown("_total") == {
        'nameko_http_requests_total{endpoint="other",http_method="other",status_code="431"}': 1,
        'nameko_http_requests_total{endpoint="/airport/<airport_id>",http_method="GET",status_code="200"}': 1,
        'nameko_http_requests_total{endpoint="none",http_method="other",status_code="405"}': 1,
        "nameko_http_requests_shed_total": 1,
    }


def test_names_that_others_make_up_do_not_make_it_grow_without_end(grown, monkeypatch):
    monkeypatch.setattr(metrics, "COMBINATIONS_MAX", len(metrics._too_late) + 3)
    for number in range(100):
        metrics.too_late(f"made-up-{number}")

    counted = grown("too_late")
    assert len(counted) == 4
    assert counted['nameko_rpc_requests_too_late_total{method_name="other"}'] == 97
    for number in range(3):
        del metrics._too_late[f"made-up-{number}",]


def test_what_never_happened_is_zero_and_not_missing():
    found = samples()
    for name in ("nameko_http_requests_shed_total", "nameko_broker_connections_lost_total"):
        assert name in found


def test_it_says_whose_numbers_they_are_and_what_the_process_needs():
    metrics.identify(service="airports", release="1.0.0", instance='a"1\n@app1')
    try:
        content = metrics.exposition()[0].decode()
    finally:
        metrics._identity.clear()

    assert (
        'nameko_instance_info{instance="a\\"1\\n@app1",release="1.0.0",service="airports"} 1.0' in content.splitlines()
    )
    found = samples()
    assert found["process_resident_memory_bytes"] > 2**20
    assert found["process_cpu_seconds_total"] > 0
    assert found["process_open_fds"] <= os.sysconf("SC_OPEN_MAX")
