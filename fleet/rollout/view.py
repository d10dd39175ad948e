"""What a roll's report shows, worked out for its template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from fleet.rollout import charts, words
from fleet.rollout.samples import (
    PROBATION,
    QUANTILES,
    STATES,
    Counts,
    Samples,
    Step,
    series,
    services,
    span,
    spells,
    steps,
)

#: Each verdict: a sign beside its colour, its heading, and the beginning of the sentence that names the changes.
VERDICTS = {
    "finished": ("✓", "Finished", "The roll finished"),
    "withdrawn": ("✗", "Withdrawn", "The roll was withdrawn everywhere, and what ran before serves alone"),
    "aborted": ("!", "Aborted", "The roll was ended before its time"),
    "canary": ("◐", "Canary", "A canary serves beside what ran before"),
}
UNKNOWN = ("?", "Unknown", "How the roll ended is not known")
SILENT = "silent"  # admitted or not: it didn't answer
#: Each chart of a service: its heading, the series' name, and the factor to the heading's unit.
CHARTS = (
    ("Calls a second", "calls", 1),
    ("Errors a second", "errors", 1),
    ("Half of the calls took up to (p50, ms)", "p50", 1000),
    ("95 % of the calls took up to (p95, ms)", "p95", 1000),
    ("99 % of the calls took up to (p99, ms)", "p99", 1000),
)


def view(roll: Mapping, samples: Samples) -> dict:
    """The names that the template knows; see `report.html` for the arguments."""
    wanted = roll.get("services") or {}
    sign, heading, sentence = VERDICTS.get(roll.get("verdict"), UNKNOWN)
    began, ended = words.epoch(roll.get("began")), words.epoch(roll.get("ended"))
    gate = roll.get("gate") or {}
    taken = steps(samples)
    ordered = {
        name: _in_order(series(samples, name, taken=taken), wanted.get(name) or {}) for name in _names(wanted, samples)
    }
    return {
        "roll": roll,
        "verdict": {"kind": roll.get("verdict"), "sign": sign, "heading": heading},
        "sentence": f"{sentence}. {_changes(wanted, verdict=roll.get('verdict'))}",
        "reason": roll.get("reason") or "",
        "began": began,
        "ended": ended,
        "took": ended - began if began is not None and ended is not None else None,
        "changes": [(name, change.get("from") or "", change.get("to") or "") for name, change in wanted.items()],
        "hosts": roll.get("hosts") or sorted(samples),
        "left_out": roll.get("left_out") or [],
        "gate_known": bool(gate) and gate.get("compared", True),
        "breaks": [_break(one) for one in gate.get("breaks") or []],
        "allowed": [words.plain(one) for one in gate.get("allowed") or []],
        "proofs": roll.get("proofs") or [],
        "bakes": [_bake(one) for one in roll.get("bakes") or []],
        "phases": _phases(roll.get("seconds") or {}),
        "services": [_service(name, found, wanted.get(name) or {}) for name, found in ordered.items()],
        "timeline": _timeline(samples, taken, {name: list(found["releases"]) for name, found in ordered.items()}),
    }


def _names(wanted: Mapping, samples: Samples) -> list[str]:
    return [*wanted, *(name for name in services(samples) if name not in wanted)]


def _changes(wanted: Mapping, *, verdict: str | None) -> str:
    """`It brought greeting 2.0.0 in place of 1.0.0, trips 1.0.0, which is new.`"""
    if not wanted:
        return "No service is named."
    changes = ", ".join(_change(name, change.get("from"), change.get("to")) for name, change in wanted.items())
    verb = {"finished": "It brought", "canary": "It brings"}.get(verdict, "It was to bring")
    return f"{verb} {changes}."


def _change(name: str, old: str | None, new: str | None) -> str:
    if not new:
        return f"the end of {name} {old or ''}".rstrip()
    if not old:
        return f"{name} {new}, which is new"
    return f"{name} {new} with another configuration" if old == new else f"{name} {new} in place of {old}"


def _in_order(found: dict, change: Mapping) -> dict:
    """Releases with what was there before first, and what the roll brought last: so each has its look."""

    def rank(name: str) -> int:
        if change.get("from") == change.get("to"):
            return 0
        release = name.split(" ")[0]
        return 0 if release == change.get("from") else 2 if release == change.get("to") else 1

    return {**found, "releases": {name: found["releases"][name] for name in sorted(found["releases"], key=rank)}}


def _service(name: str, found: dict, change: Mapping) -> dict:
    """One service's charts, and a table that says the same in figures."""
    releases, at = found["releases"], found["at"]
    seconds = len(at) * found["step"]
    calls = sum(release["counts"].calls for release in releases.values())
    drawn = []
    if calls:
        shares = {release: own["share"] for release, own in releases.items()}
        about = f"Share of {name}'s calls that each release answered"
        drawn.append(("Share of the calls", Markup(charts.areas(about, at, seconds, shares))))  # noqa: S704 - escaped
        for heading, key, factor in CHARTS:
            values = {
                release: [value if value is None else value * factor for value in own[key]]
                for release, own in releases.items()
            }
            picture = charts.lines(f"{name}: {heading.lower()}", at, seconds, values)
            drawn.append((heading, Markup(picture)))  # noqa: S704 - `charts` escapes
    return {
        "name": name,
        "legend": [(charts.look(index), release, _role(release, change)) for index, release in enumerate(releases)],
        "charts": drawn,
        "rows": [
            {
                "release": release,
                "role": _role(release, change),
                "most": max(own["admitted"], default=0),
                "restarts": len(own["restarts"]),
                **_counted(own["counts"]),
            }
            for release, own in releases.items()
        ],
    }


def _role(name: str, change: Mapping) -> str:
    release = name.split(" ")[0]
    if change.get("from") == change.get("to"):
        return ""
    return "before" if release == change.get("from") else "new" if release == change.get("to") else ""


def _counted(counts: Counts) -> dict:
    quantiles = {name: counts.quantile(share) for name, share in QUANTILES.items()}
    return {"calls": counts.calls, "errors": counts.errors, "error_rate": counts.error_rate, **quantiles}


def _timeline(samples: Samples, taken: Sequence[Step], releases: Mapping[str, Sequence[str]]) -> dict:
    """Rows of instances by host, with spells in percents of the time covered."""
    began, ended = span(samples) or (0.0, 0.0)
    length = (ended - began) or 1.0
    hosts: dict[str, list] = {host: [] for host in samples}
    for one in spells(samples, taken):
        look = charts.look(releases[one["service"]].index(one["release"]))
        parts = [
            {
                "left": f"{(spell['began'] - began) / length * 100:.2f}%",
                "width": f"{(spell['ended'] - spell['began']) / length * 100:.2f}%",
                "kind": _kind(spell),
                "told": _told(spell, began),
            }
            for spell in one["spells"]
        ]
        told = "; ".join(part["told"] for part in parts)
        hosts[one["host"]].append({**one, "look": look, "parts": parts, "told": told})
    marks = [(f"{when / length * 100:.2f}%", words.duration(when) if when else "0") for when in charts.ticks(length)]
    return {"hosts": hosts, "marks": marks if ended > began else [], "began": began}


def _kind(spell: Mapping) -> str:
    """How it is drawn: one that its host holds back takes no calls, as on probation."""
    if not spell["answered"] or spell["state"] not in STATES:
        return SILENT
    return PROBATION if spell["state"] == "held" else spell["state"]


def _told(spell: Mapping, began: float) -> str:
    silent = "" if spell["answered"] else ", without an answer"
    begin, end = (words.duration(spell[name] - began) for name in ("began", "ended"))
    return f"{spell['state']} from {begin} to {end}{silent}"


def _break(one: object) -> dict:
    """A break of a contract, from its dictionary or from a sentence."""
    if isinstance(one, Mapping):
        problem = one.get("problem") or one.get("reason") or ""
        return {
            "id": words.plain(one.get("id")),
            "problem": words.plain(problem),
            "remedy": words.plain(one.get("remedy") or ""),
        }
    return {"id": "", "problem": words.plain(one), "remedy": ""}


def _bake(one: Mapping) -> dict:
    figures = one.get("figures") or {}
    sides = [(side, figures[side]) for side in ("old", "new") if isinstance(figures.get(side), Mapping)]
    return {
        "service": one.get("service", ""),
        "verdict": one.get("verdict", ""),
        "reason": one.get("reason", ""),
        "sides": [
            {
                "side": side,
                **{name: own.get(name) for name in ("calls", "errors", "error_rate", *QUANTILES, "restarts")},
            }
            for side, own in sides
        ],
    }


def _phases(seconds: Mapping) -> list[dict]:
    longest = max((float(one) for one in seconds.values()), default=0) or 1.0
    return [
        {"name": name, "seconds": float(one), "width": f"{float(one) / longest * 100:.1f}%"}
        for name, one in seconds.items()
    ]
