"""The comparison as a table, a plot, and the ratios that issue 3 sets goals for."""

from __future__ import annotations

from statistics import median

from bench import svg
from bench.contestants import CONTESTANTS, OURS
from bench.results import Results

PARTS = ("broker", "redis", "balancer", "gateway", "service")
NAMED = 3  # queues of a type
APART = "App hosts ran on one half of the cores, core hosts on the other."
STOCK, AIOPIKA, GRPC = "stock-quorum", "aiopika-quorum", "grpc"


def summary(lines: list[dict]) -> dict[tuple[str, int, str], dict]:
    """The median over the rounds of each figure, by method, connections and contestant."""
    cells: dict[tuple, list[dict]] = {}
    for line in lines:
        cells.setdefault((line["method"], line["connections"], line["contestant"]), []).append(line)
    return {key: _median(rounds) for key, rounds in sorted(cells.items(), key=_order)}


def _order(item) -> tuple:
    (method, connections, name), _ = item
    return method, connections, [one.name for one in CONTESTANTS].index(name)


def _median(rounds: list[dict]) -> dict:
    def of(values) -> float | None:
        known = [value for value in values if value is not None]
        return median(known) if known else None

    # Parts that a contestant doesn't have are no columns of zeros.
    parts = {part: of(one["cpu_ms"][part] for one in rounds) for part in PARTS if part in rounds[0]["cpu_ms"]}
    rates = [one["rate"] for one in rounds]
    return {
        **{key: of(one[key] for one in rounds) for key in ("rate", "p50_ms", "p99_ms", "cpu_ms_total")},
        "rates": (min(rates), max(rates)),
        "cpu_ms": parts,
        "errors": sum(one["errors"] + one["refused"] for one in rounds),
        "rounds": len(rounds),
        "load_cpu_ms": of(one["load_cpu_ms"] for one in rounds),
        "others_cores": of(one["others_cores"] for one in rounds),
    }


def goals(cells: dict) -> list[dict]:
    """What issue 3 asks for at 16 and 64 connections (and at 1), with what was measured."""
    found = []
    for method, connections in sorted({key[:2] for key in cells}):
        ours = cells.get((method, connections, OURS.name))

        def compare(what, key, other, goal, better, ours=ours, method=method, connections=connections):
            theirs = cells.get((method, connections, other))
            if not (ours and theirs and ours[key] and theirs[key]):
                return
            ratio = ours[key] / theirs[key]
            reached = None if goal is None else (ratio >= goal if better == "more" else ratio <= goal)
            found.append(
                {"method": method, "connections": connections, "what": what, "ratio": ratio, "reached": reached}
                | {"goal": "" if goal is None else f"{'at least' if better == 'more' else 'at most'} {goal:g}"}
            )

        if connections == 1:
            compare("p50 to stock's", "p50_ms", STOCK, 1, "less")
        else:
            compare("requests/s to stock's", "rate", STOCK, 4, "more")
            compare("CPU a request to stock's", "cpu_ms_total", STOCK, 0.25, "less")
            compare("requests/s to aio-pika's", "rate", AIOPIKA, 1.5, "more")
            compare("p99 to stock's", "p99_ms", STOCK, 0.5, "less")
        compare("requests/s to gRPC's", "rate", GRPC, None, "more")
        compare("CPU a request to gRPC's", "cpu_ms_total", GRPC, None, "less")
    return found


def write(results: Results) -> None:
    """Write the table and the plot beside the results."""
    facts, lines = results.read()
    cells = summary(lines)
    results.write(".md", _markdown(facts, cells, results.name))
    results.write(".svg", _plot(facts, cells))


def about(facts: dict) -> str:
    """One line on where and when a run was made."""
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    return (
        f"On {facts['where']}, {facts['when']}, {facts['cores']} cores, load before {facts['load_before']}; {versions}."
    )


def _markdown(facts: dict, cells: dict, name: str) -> str:
    command = "make bench BENCH='rpc --apart'" if facts.get("apart") else "make bench"
    rounds = f"every round is in [{name}.jsonl]({name}.jsonl)"
    lines = [
        "# This project beside its peers",
        "",
        about(facts),
        *([APART] if facts.get("apart") else []),
        "One gateway and one airports process each. Closed loop; medians of",
        f"{facts['rounds']} interleaved rounds of {facts['seconds']} s; in brackets the slowest and the fastest round.",
        "CPU is that of every process a request passes through, over all hosts, less what the process takes idle;",
        f"that of the clients is not in it. `{command}` measures again; {rounds}.",
        "",
        f"![The same as a plot]({name}.svg)",
        "",
    ]
    if wanted := goals(cells):
        lines += [
            "## Goals",
            "",
            "| request | connections | this project's | measured | goal | |",
            "|---|---|---|---|---|---|",
        ]
        for one in wanted:
            word = {True: "reached", False: "missed", None: ""}[one["reached"]]
            what = f"| {one['method']} | {one['connections']} | {one['what']} "
            lines.append(f"{what}| {one['ratio']:.2f} | {one['goal']} | {word} |")
        lines.append("")
    for method, connections in dict.fromkeys(key[:2] for key in cells):
        lines += [
            f"## {method}, {connections} connection{'s' * (connections > 1)}",
            "",
            "| | requests/s | p50 ms | p99 ms | CPU ms | " + " | ".join(PARTS) + " | errors, refusals |",
            "|---|---|---|---|---|" + "---|" * len(PARTS) + "---|",
        ]
        for (a_method, a_number, name), cell in cells.items():
            if (a_method, a_number) == (method, connections):
                lines.append(_row(facts["contestants"][name]["title"], cell))
        lines.append("")
    lines += ["## What each does", "", "| | messages | queues, as RabbitMQ lists them | Redis |", "|---|---|---|---|"]
    for one in facts["contestants"].values():
        lines.append(f"| {one['title']} | {one['messages']} | {_queues(one['queues'])} | {one['redis']} |")
    lines += [
        "",
        "This project and nobody else writes a line of log for each call, as deployed, and its CPU has that in it.",
    ]
    busiest = max((cell["others_cores"] for cell in cells.values()), default=0)
    load = max((cell["load_cpu_ms"] for cell in cells.values()), default=0)
    lines += [
        "",
        f"The load generator took at most {load:.2f} ms a request. Everything else on the machine, contestants at rest",
        f"included, used at most {busiest:.1f} cores during a measurement (medians).",
        "",
    ]
    return "\n".join(lines)


def _queues(queues: dict[str, str]) -> str:
    """Queues by their type; of many the first alone is named (Celery has one for each thread that waits)."""
    shown = []
    for kind in sorted(set(queues.values())):
        names = sorted(name for name in queues if queues[name] == kind)
        if len(names) > NAMED:
            shown.append(f"`{names[0]}` and {len(names) - 1} more {kind}")
        else:
            shown += [f"`{name}` {kind}" for name in names]
    return ", ".join(shown) or "none"


def _row(title: str, cell: dict) -> str:
    def shown(value) -> str:
        return "" if value is None else f"{value:.2f}"

    slowest, fastest = cell["rates"]
    parts = " | ".join(shown(cell["cpu_ms"].get(part)) for part in PARTS)
    return (
        f"| {title} | {cell['rate']:.0f} ({slowest:.0f} to {fastest:.0f}) | {shown(cell['p50_ms'])} |"
        f" {shown(cell['p99_ms'])} | {shown(cell['cpu_ms_total'])} | {parts} | {cell['errors']} |"
    )


def _plot(facts: dict, cells: dict) -> str:
    methods = list(dict.fromkeys(key[0] for key in cells))
    connections = sorted({key[1] for key in cells})
    titles = {name: one["title"] for name, one in facts["contestants"].items()}
    colours = dict(zip(PARTS, svg.COLOURS, strict=False))

    def panel(method: str, title: str, bar) -> svg.Bars:
        groups = [
            (text, [bar(cells[method, n, name], n) for n in connections if (method, n, name) in cells])
            for name, text in titles.items()
        ]
        return svg.Bars(f"{method}: {title}", [group for group in groups if group[1]])

    def simple(key: str):
        def bar(cell, count) -> svg.Bar:
            colour = "#0072b2" if key == "rate" else "#d55e00"
            return svg.Bar([(colour, cell[key] or 0)], f"{svg.number(cell[key] or 0)}  ({count})")

        return bar

    def stacked(cell, count) -> svg.Bar:
        pieces = [(colours[part], value or 0) for part, value in cell["cpu_ms"].items()]
        return svg.Bar(pieces, f"{svg.number(cell['cpu_ms_total'])}  ({count})")

    rows = [
        [panel(method, "requests a second", simple("rate")) for method in methods],
        [panel(method, "CPU ms a request, by part", stacked) for method in methods],
        [panel(method, "p99, ms", simple("p99_ms")) for method in methods],
    ]
    notes = [
        f"Bars of each: {', '.join(map(str, connections))} connections (in brackets). One process of either part each.",
        *([APART] if facts.get("apart") else []),
        *about(facts).split("; "),
    ]
    return svg.document("This project beside its peers", notes, [(colours[part], part) for part in PARTS], rows)
