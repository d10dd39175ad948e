"""The reports say what was measured."""

import pytest

from bench import report_rpc, soak, svg
from bench.contestants import CONTESTANTS, PARTS
from bench.results import Results

FACTS = {
    "where": "lab", "when": "2026-01-01T00:00:00Z", "cores": 2, "load_before": 0.1, "versions": {"haproxy": "3"},
    "rounds": 3, "seconds": 8,
    "contestants": {
        one.name: {"title": one.title, "messages": one.messages, "redis": one.redis, "queues": {}}
        for one in CONTESTANTS
    },
}  # fmt: skip


def line(contestant, rate, cpu, **more):
    parts = {"redis": 0.1, "balancer": 0.1, "gateway": cpu / 2, "service": cpu / 2 - 0.2}
    return {
        "contestant": contestant, "method": "GET", "connections": 16, "rate": rate, "p50_ms": 5, "p99_ms": 1000 / rate,
        "cpu_ms": parts, "cpu_ms_total": cpu, "errors": 0, "refused": 0, "load_cpu_ms": 0.03, "others_cores": 0.1,
        **more,
    }  # fmt: skip


@pytest.fixture
def results(tmp_path):
    results = Results(tmp_path, "rpc")
    results.begin(FACTS)
    for rate in (900, 1000, 100):
        results.add(line("ours", rate, 1.0))
    results.add(line("stock-quorum", 200, 5.0))
    results.add(line("grpc", 1200, 0.8))
    return results


def test_a_figure_is_the_median_of_its_rounds(results):
    cells = report_rpc.summary(results.read()[1])

    assert cells["GET", 16, "ours"]["rate"] == 900
    assert cells["GET", 16, "ours"]["rates"] == (100, 1000)


def test_the_goals_are_compared_with_what_was_measured(results):
    found = {one["what"]: one for one in report_rpc.goals(report_rpc.summary(results.read()[1]))}

    assert found["requests/s to stock's"]["ratio"] == 4.5
    assert found["requests/s to stock's"]["reached"]
    assert found["CPU a request to stock's"]["ratio"] == pytest.approx(0.2)
    assert found["requests/s to gRPC's"] | {"reached": None, "goal": ""} == found["requests/s to gRPC's"]
    assert "requests/s to aio-pika's" not in found  # who was not measured is compared with nobody


def test_the_report_names_every_contestant_that_was_measured(results):
    report_rpc.write(results)

    text, plot = (results.path.with_suffix(suffix).read_text() for suffix in (".md", ".svg"))
    assert "| this project | 900 (100 to 1000) |" in text
    assert "| GET | 16 | requests/s to stock's | 4.50 | at least 4 | reached |" in text
    assert "stock Nameko, quorum queues" in plot


def test_the_report_of_hosts_on_cores_of_their_own_says_so(tmp_path):
    results = Results(tmp_path, "rpc-apart")
    results.begin({**FACTS, "apart": True})
    results.add(line("ours", 900, 1.0))

    report_rpc.write(results)

    text, plot = (results.path.with_suffix(suffix).read_text() for suffix in (".md", ".svg"))
    assert "App hosts ran on one half of the cores" in text
    assert "App hosts ran on one half of the cores" in plot
    assert (
        "`make bench BENCH='rpc --apart'` measures again; every round is in [rpc-apart.jsonl](rpc-apart.jsonl)" in text
    )
    assert "(rpc-apart.svg)" in text


def test_memory_that_grows_has_a_slope_and_memory_that_has_settled_has_none():
    minute = 6  # looks
    looks = [
        {"at_s": at * 10, "bytes": {"flat": (50 if at > minute else 40) * 2**20, "leak": (50 + at / minute) * 2**20}}
        for at in range(10 * minute + 1)
    ]

    steepest, other = soak.slopes(looks)

    assert (steepest["process"], other["process"]) == ("leak", "flat")
    assert steepest["kib_per_minute"] == pytest.approx(1024)
    assert other["kib_per_minute"] == pytest.approx(0)


def test_of_many_queues_of_a_type_the_first_is_named_and_the_rest_counted(tmp_path):
    results = Results(tmp_path, "rpc")
    queues = {"airports": "quorum", **{f"reply-{number}": "classic" for number in range(5)}}
    celery = {**FACTS["contestants"]["celery-quorum"], "queues": queues}
    results.begin({**FACTS, "contestants": {"celery-quorum": celery}})
    results.add(line("celery-quorum", 200, 5.0))

    report_rpc.write(results)

    assert "| `reply-0` and 4 more classic, `airports` quorum |" in results.path.with_suffix(".md").read_text()


def test_the_plot_of_memory_has_no_more_processes_than_colours():
    fleet = [
        *(f"core{number} rabbitmq-server beam.smp [1]" for number in (1, 2, 3)),
        *(f"core{number} redis-server redis-server [2]" for number in (1, 2, 3)),
        *(f"app1 bench-ours-{part} {program} [3]" for part in PARTS for program in ("supervisord", "nameko")),
        "app1 supervisor supervisord [4]", "edge1 haproxy haproxy [5]",
    ]  # fmt: skip

    assert len([name for name in fleet if soak.drawn(name)]) == len(svg.COLOURS)
