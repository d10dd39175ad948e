"""What instances counted while a roll went on, as differences between samples and as series by release.

Samples come from the module `service_sampler`, by host. Counts are cumulative since a process began, so what is judged
and drawn is the difference between two answers of one process.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

PROBATION, ADMITTED = "probation", "admitted"
STATES = (PROBATION, ADMITTED, "held", "draining")
#: Seconds by which one process's start may be told differently: the kernel counts ticks, and clocks are set.
SAME_START = 1.0
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}

Samples = Mapping[str, Sequence[Mapping]]


@dataclass(frozen=True)
class Counts:
    """Calls between two points in time."""

    calls: float = 0
    errors: float = 0
    seconds: float = 0.0  # sum of their durations
    outcomes: Mapping[str, int] = field(default_factory=dict)
    buckets: Mapping[float, float] = field(default_factory=dict)  # upper bound in seconds to calls up to it

    def scaled(self, part: float) -> Counts:
        """As if just a part of it (0 to 1) had happened, for drawing."""
        buckets = {bound: count * part for bound, count in self.buckets.items()}
        return Counts(self.calls * part, self.errors * part, self.seconds * part, {}, buckets)

    @property
    def error_rate(self) -> float:
        return self.errors / self.calls if self.calls else 0.0

    @property
    def mean(self) -> float | None:
        """Mean duration in seconds; None without calls."""
        return self.seconds / self.calls if self.calls else None

    def quantile(self, share: float) -> float | None:
        """Duration in seconds that this share of the calls stays below; None without calls."""
        return quantile(self.buckets, share)


@dataclass(frozen=True)
class Step:
    """What one instance did between two samples that follow each other."""

    host: str
    program: str
    service: str
    release: str
    revision: str
    began: float  # epoch seconds
    ended: float
    state: str  # what it should have been; that of the earlier sample if they differ
    steady: bool  # the state was the same at both ends
    answered: bool  # at the end
    restarted: bool  # another process than when it last answered
    since: float  # when it last answered; what it counted happened between then and the end
    counts: Counts

    @property
    def serves(self) -> bool:
        return self.steady and self.state == ADMITTED

    @property
    def proves(self) -> bool:
        """Whether what it counted are smoke calls, and no user's."""
        return self.steady and self.state == PROBATION


def total(counts: Iterable[Counts]) -> Counts:
    """All of them together."""
    calls = errors = 0
    seconds, outcomes, buckets = 0.0, Counter(), Counter()
    for one in counts:
        calls += one.calls
        errors += one.errors
        seconds += one.seconds
        outcomes.update(one.outcomes)
        buckets.update(one.buckets)
    return Counts(calls, errors, seconds, dict(outcomes), dict(buckets))


def quantile(buckets: Mapping[float, float], share: float) -> float | None:
    """As Prometheus's histogram_quantile: linear inside a bucket, and the last finite bound for what is beyond it."""
    bounds = sorted(buckets)
    if not bounds or buckets[bounds[-1]] <= 0:
        return None
    rank = share * buckets[bounds[-1]]
    below, low = 0, 0.0
    for bound in bounds:
        if buckets[bound] >= rank and buckets[bound] > below:
            if bound == float("inf"):
                return low
            return low + (bound - low) * max(0.0, rank - below) / (buckets[bound] - below)
        below, low = max(below, buckets[bound]), bound
    return low


def share_above(buckets: Mapping[float, float], seconds: float) -> float:
    """The share of calls that took longer, linear inside a bucket; what is beyond the last finite bound did."""
    bounds = sorted(buckets)
    if not bounds or buckets[bounds[-1]] <= 0:
        return 0.0
    everything = buckets[bounds[-1]]
    below, low = 0, 0.0
    for bound in bounds:
        if seconds < bound:
            part = 0.0 if bound == float("inf") else (seconds - low) / (bound - low)
            return 1 - (below + (buckets[bound] - below) * part) / everything
        below, low = buckets[bound], bound
    return 0.0


def bucket_number(buckets: Mapping[float, float], share: float) -> int:
    """The number of the bucket, from 0, that `quantile` falls into; -1 without calls."""
    bounds = sorted(buckets)
    if not bounds or buckets[bounds[-1]] <= 0:
        return -1
    rank = share * buckets[bounds[-1]]
    return next(number for number, bound in enumerate(bounds) if buckets[bound] >= rank and buckets[bound] > 0)


def steps(samples: Samples, service: str | None = None) -> list[Step]:
    """What each instance did from each of its samples to the next, ordered by their ends.

    An instance is a program of a revision: another revision under a program's name is a new one, not a restart.
    """
    found = []
    for host, lines in samples.items():
        before: dict[tuple[str, str], tuple[float, Mapping]] = {}
        answer: dict[tuple[str, str], tuple[float, Mapping]] = {}  # its latest
        for line in sorted(lines, key=lambda line: line["at"]):
            for one in line["instances"]:
                if service not in (None, one["service"]):
                    continue
                key = one["program"], one["revision"]
                if key in before:
                    found.append(_step(host, before[key], (line["at"], one), answer.get(key)))
                before[key] = line["at"], one
                if one["answered"]:
                    answer[key] = line["at"], one
    return sorted(found, key=lambda step: step.ended)


Sample = tuple[float, Mapping]  # epoch seconds, and one instance


def _step(host: str, earlier: Sample, later: Sample, answer: Sample | None) -> Step:
    (began, before), (ended, one) = earlier, later
    since, answered = answer or earlier
    restarted = bool(one["answered"] and answer and _is_another(answered, one))
    counts = Counts()
    if one["answered"] and answer:
        # A new process counts from nought, and so it all happened since (as Prometheus's `rate` takes it).
        counts = _difference(None if restarted else answered, one)
    return Step(
        host=host,
        program=one["program"],
        service=one["service"],
        release=one["release"],
        revision=one["revision"],
        began=began,
        ended=ended,
        state=before["state"],
        steady=before["state"] == one["state"],
        answered=one["answered"],
        restarted=restarted,
        since=since,
        counts=counts,
    )


def _is_another(earlier: Mapping, later: Mapping) -> bool:
    return abs(later["started"] - earlier["started"]) > SAME_START or later["calls"] < earlier["calls"]


def _difference(earlier: Mapping | None, later: Mapping) -> Counts:
    base = earlier or {"calls": 0, "errors": 0, "outcomes": {}, "buckets": {}}
    outcomes = {name: count - base["outcomes"].get(name, 0) for name, count in later["outcomes"].items()}
    calls = later["calls"] - base["calls"]
    return Counts(
        calls=calls,
        # A process that began anew within `SAME_START` may tell of more errors than calls since.
        errors=min(max(0, later["errors"] - base["errors"]), calls),
        seconds=max(0.0, later.get("seconds", 0.0) - base.get("seconds", 0.0)),
        outcomes={name: count for name, count in outcomes.items() if count > 0},
        buckets={float(bound): count - base["buckets"].get(bound, 0) for bound, count in later["buckets"].items()},
    )


def span(samples: Samples) -> tuple[float, float] | None:
    """Epoch seconds of the first and of the last sample; None without any."""
    times = [line["at"] for lines in samples.values() for line in lines]
    return (min(times), max(times)) if times else None


def names(samples: Samples, service: str) -> dict[str, str]:
    """Revision to what it is called, in the order of their appearance: its release, and itself where that isn't all."""
    seen: dict[str, tuple[str, float]] = {}
    for lines in samples.values():
        for line in lines:
            for one in line["instances"]:
                if one["service"] == service:
                    known = seen.get(one["revision"], ("", line["at"]))
                    seen[one["revision"]] = one["release"], min(known[1], line["at"])
    often = Counter(release for release, _ in seen.values())
    # Started at the same time as far as anybody saw: what is admitted most is the old one, but names order as well.
    return {
        revision: release if often[release] == 1 else f"{release} ({revision[:7] or 'no revision'})"
        for revision, (release, _) in sorted(seen.items(), key=lambda item: (item[1][1], item[1][0]))
    }


def services(samples: Samples) -> list[str]:
    """Names of the services that were seen, sorted."""
    return sorted({one["service"] for lines in samples.values() for line in lines for one in line["instances"]})


def series(samples: Samples, service: str, points: int = 120, taken: Iterable[Step] | None = None) -> dict:
    """How a service did over time.

    Args:
        samples: by host, the lines of `service_sampler`.
        service: its name.
        points: at most so many intervals; none is shorter than a second, or than the time between two samples.
        taken: `steps(samples)`, from who has them already; they are the most of the work.

    Returns:
        `began`, `step` (seconds), `at` (the middle of each interval, in seconds since `began`), and `releases`, by name
        (see `names`): lists with a value an interval of `calls` and `errors` (a second), `share` (of all calls, 0 to
        1), `p50`, `p95`, `p99` (seconds), the number of instances in each of `STATES`; and
        `restarts` (seconds since `began`) and `counts`, of all the time. A value is None where no call tells it.
    """
    covered = span(samples)
    if not covered:
        return {"began": 0.0, "step": 1.0, "at": [], "releases": {}}
    began, ended = covered
    step = max(1.0, (ended - began) / points, *map(_spacing, samples.values()))
    length = max(1, -int(-(ended - began) // step))
    called = names(samples, service)
    own = [one for one in (steps(samples, service) if taken is None else taken) if one.service == service]
    releases = {
        name: _release([one for one in own if called[one.revision] == name], began, step, length)
        for name in called.values()
    }
    for release in releases.values():
        together = [sum(one["calls"][number] or 0 for one in releases.values()) for number in range(length)]
        release["share"] = [
            (own or 0) / every if every else None for own, every in zip(release["calls"], together, strict=True)
        ]
    at = [(number + 0.5) * step for number in range(length)]
    return {"began": began, "step": step, "at": at, "releases": releases}


def _spacing(lines: Sequence[Mapping]) -> float:
    """Seconds between two samples of a host, in the mean."""
    times = [line["at"] for line in lines]
    return (max(times) - min(times)) / (len(times) - 1) if len(times) > 1 else 0.0


def _release(own: list[Step], began: float, step: float, length: int) -> dict:
    counts: list[list[Counts]] = [[] for _ in range(length)]
    instances: list[Counter] = [Counter() for _ in range(length)]
    for one in own:
        for number, part in () if one.proves else _parts(one.since - began, one.ended - began, step, length):
            counts[number].append(one.counts.scaled(part))
        for number, _ in _parts(one.began - began, one.ended - began, step, length):
            if one.began - began <= (number + 0.5) * step < one.ended - began:
                instances[number][one.state] += 1
    each = [total(some) for some in counts]
    present = [bool(some or here) for some, here in zip(counts, instances, strict=True)]
    return {
        # Before the first instance and after the last there is no rate, rather than one of nought.
        "calls": [one.calls / step if there else None for one, there in zip(each, present, strict=True)],
        "errors": [one.errors / step if there else None for one, there in zip(each, present, strict=True)],
        **{name: [one.quantile(share) for one in each] for name, share in QUANTILES.items()},
        **{state: [some[state] for some in instances] for state in STATES},
        "restarts": [one.ended - began for one in own if one.restarted and one.serves],
        "counts": total(one.counts for one in own if not one.proves),
    }


def _parts(begin: float, end: float, step: float, length: int) -> Iterator[tuple[int, float]]:
    """The intervals that a stretch of time lies in, and which part of it lies in each."""
    for number in range(int(begin / step), min(length, int(end / step) + 1)):
        overlap = min(end, (number + 1) * step) - max(begin, number * step)
        if overlap > 0:
            yield number, overlap / (end - begin)


def spells(samples: Samples, taken: Iterable[Step] | None = None) -> list[dict]:
    """What became of each instance: spells of one state, for a timeline.

    Returns:
        Dictionaries with `host`, `program`, `service`, `release` (see `names`), `revision` and `spells`, each of
        `began` and `ended` (epoch seconds), `state` and `answered`, with no gap where an instance was seen; in the
        order of hosts and programs.
    """
    called = {service: names(samples, service) for service in services(samples)}
    found: dict[tuple, dict] = {}
    for one in steps(samples) if taken is None else taken:
        key = one.host, one.program, one.revision
        release = called[one.service][one.revision]
        instance = found.setdefault(
            key, {"host": one.host, "program": one.program, "service": one.service, "release": release,
                  "revision": one.revision, "spells": []},
        )  # fmt: skip
        last = instance["spells"][-1] if instance["spells"] else None
        if last and (last["state"], last["answered"]) == (one.state, one.answered):
            last["ended"] = one.ended
        else:
            state = {"began": one.began, "ended": one.ended, "state": one.state, "answered": one.answered}
            instance["spells"].append(state)
    return [instance for _, instance in sorted(found.items(), key=lambda item: item[0])]
