"""The process that samples instances, beside real HTTP servers."""

import json
import os
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise

import pytest
from ansible.module_utils import service_programs, service_samples

from fleet.paths import ROOT

RPC = """\
# HELP nameko_rpc_requests_total Calls served
nameko_rpc_requests_total{method_name="hello",outcome="ok"} 7.0
nameko_rpc_requests_total{method_name="hello",outcome="NotFound"} 2.0
nameko_rpc_requests_total{method_name="bye",outcome="ok"} 1.0
nameko_rpc_requests_created{method_name="hello",outcome="ok"} 1.7e+09
nameko_rpc_requests_in_flight 1.0
nameko_rpc_request_latency_seconds_bucket{le="0.001",method_name="hello"} 4.0
nameko_rpc_request_latency_seconds_bucket{le="+Inf",method_name="hello"} 9.0
nameko_rpc_request_latency_seconds_bucket{le="0.001",method_name="bye"} 1.0
nameko_rpc_request_latency_seconds_bucket{le="+Inf",method_name="bye"} 1.0
nameko_rpc_request_latency_seconds_sum{method_name="hello"} 0.5
nameko_http_requests_total{endpoint="/ready",http_method="GET",status_code="503"} 9.0
nameko_http_requests_total{endpoint="other",http_method="GET",status_code="404"} 3.0
process_start_time_seconds 1.79566e+09
"""
HTTP = """\
nameko_http_requests_total{endpoint="/trip",http_method="POST",status_code="200"} 5.0
nameko_http_requests_total{endpoint="/trip",http_method="POST",status_code="404"} 2.0
nameko_http_requests_total{endpoint="/trip",http_method="POST",status_code="503"} 1.0
nameko_http_requests_total{endpoint="/metrics",http_method="GET",status_code="200"} 99.0
nameko_http_request_latency_seconds_bucket{endpoint="/trip",http_method="POST",le="0.5"} 8.0
nameko_http_request_latency_seconds_bucket{endpoint="/metrics",http_method="GET",le="0.5"} 99.0
nameko_http_request_latency_seconds_sum{endpoint="/trip",http_method="POST"} 1.25
process_start_time_seconds 1.79566e+09
"""


def test_calls_over_rpc_are_counted_by_outcome():
    assert service_samples.counted(RPC) == {
        "started": 1.79566e9,
        "calls": 10,
        "errors": 2,
        "seconds": 0.5,
        "outcomes": {"ok": 8, "NotFound": 2},
        "buckets": {"0.001": 5, "+Inf": 10},
    }


def test_of_http_what_clients_cause_is_no_error_and_what_balancers_ask_no_call():
    assert service_samples.counted(HTTP) == {
        "started": 1.79566e9,
        "calls": 8,
        "errors": 1,
        "seconds": 1.25,
        "outcomes": {"200": 5, "404": 2, "503": 1},
        "buckets": {"0.5": 8},
    }


def test_the_chassis_says_all_that_is_read():
    # The names stand there and here; this is what notices when one is changed.
    source = (ROOT / "services/chassis/src/chassis/metrics.py").read_text("utf-8")
    for name in ("nameko_rpc_requests", "nameko_rpc_request_latency_seconds",
                 "nameko_http_requests", "nameko_http_request_latency_seconds"):  # fmt: skip
        assert f'"{name}"' in source


def test_a_page_of_something_else_is_no_answer():
    assert service_samples.counted("<html>It works</html>") is None


@contextmanager
def serving(text, delay=None):
    """A port at which `text` is what /metrics says, once `delay` (an event) is set."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if delay:
                delay.wait(10)
            self.send_response(200 if self.path == "/metrics" else 404)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server.server_port
        finally:
            if delay:
                delay.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def host(tmp_path):
    """A host's folders of supervisor's files, of states, and for samples."""
    for name in ("conf", "states", "samples"):
        (tmp_path / name).mkdir()
    return tmp_path


def install(host, program, port, *, state=None, revision="abc"):
    text = f'[program:{program}]\ncommand=x\nenvironment=FLEET_REVISION="{revision}",FLEET_PORT="{port}",A="b"\n'
    (host / "conf" / f"{program}.conf").write_text(text)
    if state:
        (host / "states" / f"{program}.state").write_text(f"{state}\n")


def sampler(host, *services):
    return service_samples.Sampler("127.0.0.1", list(services), str(host / "conf"), str(host / "states"))


def test_a_sample_has_every_instance_of_the_services_and_no_other(host):
    with serving(RPC) as greeting, serving(HTTP) as gateway:
        install(host, "greeting-1.0.0-a1", greeting, state="admitted")
        install(host, "gateway-2.0.0-b1", gateway)
        install(host, "trips-1.0.0-a1", greeting)
        (host / "conf" / "other.conf").write_text("[program:something-else]\ncommand=x\n")
        sample = sampler(host, "greeting", "gateway").sample()

    by_program = {one["program"]: one for one in sample["instances"]}
    assert set(by_program) == {"greeting-1.0.0-a1", "gateway-2.0.0-b1"}
    one = by_program["greeting-1.0.0-a1"]
    assert (one["service"], one["release"], one["revision"], one["state"]) == ("greeting", "1.0.0", "abc", "admitted")
    assert (one["answered"], one["calls"], one["errors"]) == (True, 10, 2)
    assert by_program["gateway-2.0.0-b1"]["state"] == "probation"
    assert by_program["gateway-2.0.0-b1"]["calls"] == 8


def test_one_that_is_gone_or_frozen_is_told_and_holds_up_nobody(host, monkeypatch):
    monkeypatch.setattr(service_samples, "ASK_SECONDS", 0.2)
    with serving(RPC) as well, serving(RPC, delay=threading.Event()) as frozen:
        install(host, "greeting-1.0.0-a1", well)
        install(host, "greeting-1.0.0-a2", frozen)
        install(host, "greeting-1.0.0-a3", 1)
        sample = sampler(host, "greeting").sample()

    assert [one["answered"] for one in sample["instances"]] == [True, False, False]
    assert sample["instances"][1]["started"] is None


def test_an_instance_that_came_later_is_sampled_too(host):
    with serving(RPC) as port:
        install(host, "greeting-1.0.0-a1", port)
        sampling = sampler(host, "greeting")
        sampling.sample()
        install(host, "greeting-2.0.0-b1", port)
        (host / "conf" / "greeting-1.0.0-a1.conf").unlink()

        assert [one["release"] for one in sampling.sample()["instances"]] == ["2.0.0"]


@pytest.fixture
def path(host):
    """Where a roll's samples go; its process has ended afterwards."""
    path = host / "samples" / "2026.1.jsonl"
    yield path
    service_samples.stop(path)


def start(host, path, **options):
    wanted = {"address": "127.0.0.1", "services": ["greeting"], "every": 0.05, "max_seconds": 60}
    folders = {"files": str(host / "conf"), "states": str(host / "states")}
    return service_samples.start(path, {**wanted, **folders, **options})


def until(condition):
    deadline = time.monotonic() + 20
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def test_the_process_samples_in_a_session_of_its_own_until_it_is_stopped(host, path):
    with serving(RPC) as port:
        install(host, "greeting-1.0.0-a1", port, state="admitted")
        assert start(host, path)
        lines = until(lambda: len(found := service_samples.lines(path)) >= 3 and found)
        pid = service_samples.running(path.with_suffix(".pid"))

        assert os.getsid(pid) == pid
        assert lines[-1]["instances"][0]["calls"] == 10
        assert lines[0]["at"] < lines[-1]["at"]
        assert service_samples.stop(path)
        assert not service_samples.running(path.with_suffix(".pid"))
        assert len(service_samples.lines(path)) >= 3


def test_a_roll_has_one_process_and_each_roll_its_own(host, path):
    other = path.with_name("2026.2.jsonl")
    assert start(host, path)
    first = service_samples.running(path.with_suffix(".pid"))
    assert not start(host, path)
    assert service_samples.running(path.with_suffix(".pid")) == first
    assert start(host, other)
    assert service_samples.stop(other)
    assert service_samples.running(path.with_suffix(".pid")) == first


def test_it_ends_by_itself(host, path):
    assert start(host, path, max_seconds=0.2)
    until(lambda: not service_samples.running(path.with_suffix(".pid")))
    assert service_samples.lines(path)


def test_it_ends_when_its_file_is_removed_and_leaves_it_removed(host, path):
    assert start(host, path)
    until(lambda: service_samples.lines(path))
    path.unlink()
    until(lambda: not service_samples.running(path.with_suffix(".pid")))
    assert not path.exists()


def test_a_process_that_was_given_its_id_later_is_left_alone(path):
    path.touch()
    path.with_suffix(".pid").write_text(f"{os.getpid()}\n")

    assert not service_samples.stop(path)


def test_what_went_wrong_is_told(host, path):
    (host / "conf" / "broken.conf").write_text("no section\n")
    assert start(host, path)
    assert "MissingSectionHeaderError" in until(lambda: service_samples.problem(path))
    assert service_samples.running(path.with_suffix(".pid"))


def test_half_a_line_and_what_was_before_are_left_out(path):
    path.write_text("".join(json.dumps({"at": at, "instances": []}) + "\n" for at in (1.0, 2.0, 3.0)) + '{"at": 4')

    assert [line["at"] for line in service_samples.lines(path, since=2.0)] == [2.0, 3.0]
    assert service_samples.lines(path.with_name("none.jsonl")) == []


def test_many_samples_are_thinned_evenly_with_the_last_one(path):
    path.write_text("".join(json.dumps({"at": float(at), "instances": []}) + "\n" for at in range(1800)))

    found = [line["at"] for line in service_samples.lines(path)]
    assert len(found) == 600
    assert found[-1] == 1799.0
    assert {later - earlier for earlier, later in pairwise(found)} == {3.0}


def test_the_file_does_not_grow_for_ever(host, path, monkeypatch):
    monkeypatch.setattr(service_samples, "FILE_MAX", 2000)
    path.touch()
    with serving(RPC) as port:
        install(host, "greeting-1.0.0-a1", port)
        service_samples.record(path, sampler(host, "greeting"), every=0.01, max_seconds=1.0)

    assert 0 < path.stat().st_size < 3000
    assert len(service_samples.lines(path)) > 1


def test_what_is_older_than_a_day_goes_and_what_runs_stays(host, path):
    old = path.with_name("old.jsonl")
    for one in (old, old.with_suffix(".pid"), old.with_suffix(".problem")):
        one.touch()
        os.utime(one, (1, 1))
    assert start(host, path)
    service_samples.remove_old(path.parent)

    assert not list(path.parent.glob("old.*"))
    assert path.exists()


def test_programs_of_others_are_none_of_the_fleets(host):
    (host / "conf" / "x.conf").write_text("[supervisord]\na=b\n[program:Greeting-1-a1]\ncommand=x\n")

    assert list(service_programs.configured(str(host / "conf"), str(host / "states"))) == []
