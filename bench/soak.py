"""Half of this project's capacity for a long time: whether memory stays flat.

Capacity is what a closed loop of 64 connections gets from it. The soak is an open loop, so that a pause doesn't hide
behind clients that wait; the memory of every process of the fleet is looked at each ten seconds.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from statistics import linear_regression, median

from bench import measure, svg
from bench.contestants import OURS
from bench.report_rpc import about
from bench.results import Results

CONNECTIONS = 64
MIX = ["GET"] * 9 + ["POST"]
INTERVAL = 10  # seconds between looks
SETTLED = 1 / 5  # of the time, in which caches and pools may fill


def run(site_class, arguments, say) -> None:
    """Soak, and write the results and the report."""
    results = Results(arguments.results, "soak")
    seconds = arguments.minutes * 60
    with site_class((OURS,)) as site:
        bench = measure.Bench(site, (OURS,), say)
        capacity = bench.measure(OURS, connections=CONNECTIONS, seconds=10, mix=MIX)["rate"]
        say(f"capacity {capacity:.0f}/s: {capacity / 2:.0f}/s for {arguments.minutes:g} minutes")
        results.begin({**measure.facts(site), "minutes": arguments.minutes, "capacity": capacity, "mix": MIX})
        job = {"connections": CONNECTIONS, "seconds": seconds, "mix": MIX, "rate": capacity / 2}
        began = time.monotonic()
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(bench.measure, OURS, **job)
            looks = 0
            while not running.done():
                at = time.monotonic() - began
                results.add({"at_s": round(at, 1), "bytes": site.memory()})
                looks += 1
                time.sleep(max(0, looks * INTERVAL - (time.monotonic() - began)))
            found = running.result()
        results.add({"load": found})
        wrong = f"{found['refused']} refused, {found['errors']} errors {found['samples']}"
        say(f"{found['rate']:.0f}/s, p99 {found['p99_ms']} ms, {wrong}")
    write(results)


def slopes(looks: list[dict]) -> list[dict]:
    """For each process how its memory went, the steepest first."""
    series: dict[str, list[tuple[float, int]]] = {}
    for look in looks:
        for name, size in look["bytes"].items():
            series.setdefault(name, []).append((look["at_s"], size))
    end = looks[-1]["at_s"]
    found = []
    for name, points in series.items():
        settled = [point for point in points if point[0] >= end * SETTLED]
        slope = linear_regression(*zip(*settled, strict=True)).slope if len(settled) > 1 else 0.0
        tenth = max(1, len(settled) // 10)
        sizes = [size for _, size in settled or points]
        found.append(
            {
                "process": name,
                "kib_per_minute": slope * 60 / 1024,
                "settled_mib": median(sizes[:tenth]) / 2**20,
                "end_mib": median(sizes[-tenth:]) / 2**20,
                "whole": points[0][0] == looks[0]["at_s"] and points[-1][0] == end,
            }
        )
    return sorted(found, key=lambda one: -one["kib_per_minute"])


def write(results: Results) -> None:
    """Write the table and the plot beside the results."""
    facts, lines = results.read()
    looks, load = [one for one in lines if "bytes" in one], lines[-1]["load"]
    text = [
        f"# {facts['minutes']:g} minutes at half capacity",
        "",
        about(facts),
        f"Capacity {facts['capacity']:.0f} requests/s (closed loop, {CONNECTIONS} connections), soaked at half of it",
        f"(open loop), one POST in {len(MIX)}: {load['rate']:.0f} requests/s answered, p50 {load['p50_ms']} ms,",
        f"p99 {load['p99_ms']} ms, longest {load['max_ms']} ms, {load['refused']} refused, {load['errors']} errors.",
        f"Resident memory of every process, each {INTERVAL} s; the slope is of a straight line through what came after",
        f"the first {SETTLED:.0%}.",
        "Redis keeps every airport that is posted.",
        "",
        "![The same as a plot](soak.svg)",
        "",
        "| process | KiB a minute | MiB settled | MiB at the end | |",
        "|---|---|---|---|---|",
    ]
    for one in slopes(looks):
        note = "" if one["whole"] else "not there all the time"
        sizes = f"{one['settled_mib']:.1f} | {one['end_mib']:.1f}"
        text.append(f"| {one['process']} | {one['kib_per_minute']:+.1f} | {sizes} | {note} |")
    results.write(".md", "\n".join([*text, ""]))
    # The fleet's idle processes would be a carpet of flat lines, in more colours than there are.
    shown = sorted({name for look in looks for name in look["bytes"] if drawn(name)})
    points = {
        name: [(look["at_s"] / 60, look["bytes"][name] / 2**20) for look in looks if name in look["bytes"]]
        for name in shown
    }
    legend = [(svg.COLOURS[index % len(svg.COLOURS)], name) for index, name in enumerate(points)]
    title = f"Memory over {facts['minutes']:g} minutes at half capacity"
    rows = [[svg.Lines("resident memory, MiB", "minutes", points)]]
    results.write(".svg", svg.document(title, about(facts).split("; "), legend, rows))


def drawn(process: str) -> bool:
    """Whether the plot has a process: RabbitMQ's and Redis's, and what answers requests."""
    return any(word in process for word in ("ours", "beam.smp", "redis-server")) and "supervisord" not in process
