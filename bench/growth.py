"""How this project's throughput and latency go with the number of connections, from 1 to 256."""

from __future__ import annotations

from bench import measure, svg
from bench.contestants import OURS
from bench.report_rpc import about
from bench.results import Results
from bench.rpc import REQUESTS

CONNECTIONS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def run(site_class, arguments, say) -> None:
    """Measure every number of connections, and write the results and the report."""
    results = Results(arguments.results, "growth")
    with site_class((OURS,)) as site:
        bench = measure.Bench(site, (OURS,), say)
        results.begin({**measure.facts(site), "seconds": arguments.seconds})
        bench.look_at_idle()
        for connections in CONNECTIONS:
            for method in REQUESTS:
                found = bench.measure(OURS, connections=connections, seconds=arguments.seconds, mix=[method])
                results.add({"method": method, "connections": connections, **found})
                wrong = f"{found['refused']} refused, {found['errors']} errors {found['samples'][:1]}"
                say(f"{method:4} {connections:3}: {found['rate']:.0f}/s, p99 {found['p99_ms']} ms, {wrong}")
    write(results)


def write(results: Results) -> None:
    """Write the table and the plot beside the results."""
    facts, lines = results.read()
    text = [
        "# From 1 to 256 connections",
        "",
        about(facts),
        f"One gateway and one airports process, {facts['seconds']} s each. `make bench BENCH=growth` measures again.",
        "A request refused with 503 and Retry-After is shed by design, once the gateway's workers and queue are full;",
        "its client waits as long as it is told to.",
        "",
        "![The same as a plot](growth.svg)",
        "",
        "| request | connections | requests/s | p50 ms | p99 ms | longest ms | CPU ms a request | refused | errors |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in lines:
        row = [one["method"], one["connections"], f"{one['rate']:.0f}", one["p50_ms"], one["p99_ms"], one["max_ms"]]
        row += [f"{one['cpu_ms_total']:.2f}", one["refused"], one["errors"]]
        text.append("| " + " | ".join(map(str, row)) + " |")
    results.write(".md", "\n".join([*text, ""]))

    def panel(title: str, key: str) -> svg.Lines:
        by_method = {method: [one for one in lines if one["method"] == method] for method in REQUESTS}
        points = {name: [(at, one[key] or 0) for at, one in enumerate(found)] for name, found in by_method.items()}
        return svg.Lines(title, "connections", points, steps=tuple(str(one["connections"]) for one in by_method["GET"]))

    legend = list(zip(svg.COLOURS, REQUESTS.values(), strict=False))
    rows = [[panel("requests a second", "rate"), panel("p99, ms", "p99_ms")]]
    results.write(
        ".svg", svg.document("This project, from 1 to 256 connections", about(facts).split("; "), legend, rows)
    )
