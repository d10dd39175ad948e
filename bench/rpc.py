"""This project beside its peers: the same two requests, interleaved, so that a busy minute hits all alike."""

from __future__ import annotations

import time
from contextlib import nullcontext

from bench import measure, report_rpc
from bench.results import Results

REQUESTS = {"GET": "GET /airport/ID", "POST": "POST /airport"}
OVERHEAD = 1.5  # seconds of each measurement beside those asked for


def results_of(arguments) -> Results:
    """Where a run with these arguments has its results."""
    return Results(arguments.results, "rpc-apart" if arguments.apart else "rpc")


def run(site_class, contestants, arguments, say) -> None:
    """Measure, and write results as they come, the report at the end."""
    cells = len(contestants) * len(REQUESTS) * len(arguments.connections)
    expected = arguments.rounds * (cells * (arguments.seconds + 1 + OVERHEAD) + measure.IDLE_SECONDS)
    say(f"{arguments.rounds} rounds of {cells} measurements: about {expected / 60 + 1:.0f} minutes")
    deadline = time.monotonic() + arguments.minutes * 60
    results = results_of(arguments)
    with site_class(contestants) as site, site.apart() if arguments.apart else nullcontext():
        bench = measure.Bench(site, contestants, say)
        results.begin(
            {
                **measure.facts(site),
                "apart": arguments.apart,
                "rounds": arguments.rounds,
                "seconds": arguments.seconds,
                "contestants": {
                    one.name: {
                        "title": one.title,
                        "messages": one.messages,
                        "redis": one.redis,
                        "queues": site.queues(one) if one.queues else {},
                    }
                    for one in contestants
                },
            }
        )
        for cell in _plan(contestants, arguments):
            if time.monotonic() > deadline:
                say(f"{arguments.minutes} minutes are over: the report has what was measured until now")
                break
            contestant, connections, method, number, first = cell
            if first:
                bench.look_at_idle()
            found = bench.measure(contestant, connections=connections, seconds=arguments.seconds, mix=[method])
            line = {"contestant": contestant.name, "method": method, "connections": connections, "round": number}
            results.add({**line, **found})
            say(
                f"{number}: {method:4} {connections:3} {contestant.name:16} {found['rate']:7.0f}/s "
                f"p50 {found['p50_ms'] or 0:7.2f} p99 {found['p99_ms'] or 0:7.2f} ms  "
                f"CPU {found['cpu_ms_total']:6.2f} ms  others {found['others_cores']:.1f} cores"
                + (f"  {found['errors']} ERRORS: {found['samples'][0]}" if found["errors"] else "")
            )
    report_rpc.write(results)


def _plan(contestants, arguments):
    """Every measurement in order: contestants take turns within each request and number of connections."""
    turn = 0
    for number in range(1, arguments.rounds + 1):
        first = True
        for connections in arguments.connections:
            for method in REQUESTS:
                for index in range(len(contestants)):
                    # Nobody always follows the same neighbour's garbage.
                    yield contestants[(index + turn) % len(contestants)], connections, method, number, first
                    first = False
                turn += 1
