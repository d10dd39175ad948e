"""Whether a new revision does as well as the old one, from what both counted while they served side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from fleet.errors import FleetError, suggestion
from fleet.rollout.samples import QUANTILES, Counts, Samples, Step, bucket_number, share_above, steps, total

SILENT_SAMPLES = 3  # one in a row may be lost under load; three are not chance any more
ERRORS_MIN = 3
#: The risk that chance alone makes a release as good as the old one look bad, one bake in so many; far less with as few
#: errors as most releases have. A smaller one would let 5 % of errors through in the first fifteen seconds; a release
#: that is withdrawn for nothing costs another roll, while the other mistake costs users.
RISK = 1 / 25

#: The chance that all calls went to the old instances, below which it wasn't chance.
UNLIKELY = 1e-6
#: As many times its longest calls the window must last: calls are counted when they are answered.
CALLS_LONG = 3


@dataclass(frozen=True)
class Limits:
    """How much worse the new revision may be."""

    error_margin: float = 0.01  # of all calls, 0 to 1
    p95_ratio: float = 2.0
    p95_floor: float = 0.010  # seconds that the 95th percentile must be above the old one's as well
    min_calls: int = 50  # of either side; with fewer nobody can tell

    @classmethod
    def of(cls, given: Mapping | Limits | None) -> Limits:
        """From a dictionary; what it lacks has its default."""
        if isinstance(given, cls):
            return given
        names = [field.name for field in fields(cls)]
        if not isinstance(given or {}, Mapping):
            raise FleetError(f"rollout_limits is {given!r}: give names with numbers, {suggestion('', names)}.")
        for name, value in (given or {}).items():
            if name not in names:
                raise FleetError(f"A bake has no limit {name}: {suggestion(name, names)}.")
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise FleetError(f"The bake's limit {name} is {value!r}: give a number of 0 or more.")
        return cls(**(given or {}))


@dataclass(frozen=True)
class Side:
    """What the instances of one side did in the window."""

    instances: int
    answering: int  # of them, those that ever answered
    restarts: list[str]  # "PROGRAM on HOST"
    silent: list[str]  # those that owed several answers in a row
    counts: Counts

    def figures(self) -> dict:
        """As plain values, durations in seconds."""
        return {
            "instances": self.instances,
            "calls": self.counts.calls,
            "errors": self.counts.errors,
            "error_rate": self.counts.error_rate,
            **{name: self.counts.quantile(share) for name, share in QUANTILES.items()},
            "outcomes": dict(self.counts.outcomes),
            "restarts": len(self.restarts),
            "silent": len(self.silent),
        }


@dataclass(frozen=True)
class Quiet:
    """The end of the window, from the new side's last answer on."""

    seconds: float
    old_calls: int  # that the old side answered in it


def verdict(
    samples: Samples,
    service: str,
    old_revisions: Iterable[str],
    new_revision: str,
    limits: Mapping | Limits | None = None,
) -> dict:
    """Compare a new revision with the old ones, over the time in which an instance of the new one was admitted.

    Args:
        samples: by host, the lines of `service_sampler`; what was before the bake may be in them.
        service: its name.
        old_revisions: those that it replaces; none at a first installation.
        new_revision: the new one.
        limits: see `Limits`.

    Returns:
        `verdict`: `good`, `bad`, or `unsure` where there is too little to tell; `reason`, a sentence for an operator;
        `figures`: `old` and `new` with `instances`, `calls`, `errors`, `error_rate` (0 to 1), `p50`, `p95`, `p99`
        (seconds or None), `outcomes`, `restarts`, `silent`; and `seconds`, how long both were compared.
    """
    wanted, old_revisions = Limits.of(limits), set(old_revisions) - {new_revision}
    serving = [one for one in steps(samples, service) if one.serves]
    new_steps = [one for one in serving if one.revision == new_revision]
    # At other times the old instances may have had other work and other neighbours.
    began, ended = (
        min((one.began for one in new_steps), default=0.0),
        max((one.ended for one in new_steps), default=0.0),
    )
    old_steps = [one for one in serving if one.revision in old_revisions and began <= one.began < ended]
    old, new = _side(old_steps), _side(new_steps)
    # Of an instance that didn't tell, nobody knows that it was quiet.
    last = max((one.ended for one in new_steps if one.counts.calls or not one.answered), default=began)
    since = Quiet(ended - last, total(one.counts for one in old_steps if one.began >= last).calls)
    told = _tells(samples, service)
    word, reason = _judge(old, new, wanted, first=not old_revisions, told=told, quiet=since)
    return {
        "verdict": word,
        "reason": f"{service}: {reason}",
        "figures": {"old": old.figures(), "new": new.figures(), "seconds": round(ended - began, 3)},
    }


def _tells(samples: Samples, service: str) -> bool:
    """Whether any instance of it ever said what it counts."""
    return any(
        one["answered"]
        for lines in samples.values()
        for line in lines
        for one in line["instances"]
        if one["service"] == service
    )


def _side(taken: Iterable[Step]) -> Side:
    taken = list(taken)
    quiet: dict[tuple[str, str], int] = {}  # unanswered in a row
    silent, answering = [], set()
    for one in taken:
        key = one.host, one.program
        quiet[key] = 0 if one.answered else quiet.get(key, 0) + 1
        if quiet[key] == SILENT_SAMPLES:
            silent.append(f"{one.program} on {one.host}")
        if one.answered:
            answering.add(key)
    return Side(
        instances=len(quiet),
        answering=len(answering),
        restarts=[f"{one.program} on {one.host}" for one in taken if one.restarted],
        silent=list(dict.fromkeys(silent)),
        counts=total(one.counts for one in taken),
    )


def _judge(old: Side, new: Side, limits: Limits, *, first: bool, told: bool, quiet: Quiet) -> tuple[str, str]:
    """The verdict and its reason."""
    if not told and (new.instances or old.instances):
        return "unsure", (
            "no instance answers /metrics, so nothing can be compared: its health alone was checked. A service that "
            "runs in the chassis's container counts by itself."
        )
    found = (
        _failures(new),
        _silence(old, new, quiet),
        _errors(old, new, limits, first=first),
        _slowness(old, new, limits),
    )
    if bad := [one for part in found for one in part]:
        return "bad", f"{'; and '.join(bad)}."
    if not new.instances:
        return "unsure", "no instance of the new revision was admitted meanwhile, so there is nothing to judge."
    if first:
        return "good", (
            f"a first release, with nothing to compare it to: no restart, and {_errors_of(new)} were errors."
        )
    for which, side in (("new", new), ("old", old)):
        if side.counts.calls < limits.min_calls:
            return "unsure", (
                f"too little traffic to tell: the {which} revision served {side.counts.calls} call(s) of the "
                f"{limits.min_calls} that a comparison needs. Nothing bad was seen; bake for longer, or send it calls."
            )
    return "good", (
        f"the new revision does as well as the old: {_errors_of(new)} were errors ({_errors_of(old)} of the old), and "
        f"95 % took up to {_ms(new.counts.quantile(0.95))} ({_ms(old.counts.quantile(0.95))})."
    )


def _failures(new: Side) -> Iterable[str]:
    if new.restarts:
        names = ", ".join(dict.fromkeys(new.restarts))
        yield f"the new revision restarted {len(new.restarts)} time(s) while it served ({names}), as its log explains"
    if new.silent:
        names = ", ".join(new.silent)
        yield f"{names} didn't answer /metrics {SILENT_SAMPLES} times in a row, so it is stuck, overloaded or has ended"


def _silence(old: Side, new: Side, quiet: Quiet) -> Iterable[str]:
    """Whether it answers no call, or none any more, though it says that it takes them.

    A balancer or broker leaves it out, or its workers hang, which nothing else shows.
    """
    if not new.answering or quiet.seconds < CALLS_LONG * (old.counts.quantile(0.99) or 0):
        return
    share = old.instances / (old.instances + new.instances)  # of the calls that should go to the old
    if share**quiet.old_calls < UNLIKELY:
        before = f" after {new.counts.calls}" if new.counts.calls else ""
        yield (
            f"the new revision's {new.instances} admitted instance(s) answered no call{before} in"
            f" {quiet.seconds:.0f} s, in which the old answered {quiet.old_calls}: they hang, or what hands out the"
            " calls leaves them out (`make status`)"
        )


def _errors(old: Side, new: Side, limits: Limits, *, first: bool) -> Iterable[str]:
    """Whether it makes more errors. Those that callers cause count on both sides alike, so they cancel out."""
    calls, errors = new.counts.calls, new.counts.errors
    if errors < ERRORS_MIN or new.counts.error_rate <= old.counts.error_rate + limits.error_margin:
        return
    # An old release without calls tells nothing; then the margin itself is what errors are measured by.
    if first or not old.counts.calls:
        if binomial_tail(errors, calls, limits.error_margin) < RISK:
            yield f"{_errors_of(new)} were errors, with {_percent(limits.error_margin)} allowed ({_worst(new)})"
    # Fisher's test and not a comparison of rates or a normal approximation: a canary serves few calls, and most
    # releases make no errors at all, which is where approximations are furthest off.
    elif fisher_tail(errors, calls, old.counts.errors, old.counts.calls) < RISK:
        yield f"{_errors_of(new)} of the new revision were errors, but {_errors_of(old)} of the old ({_worst(new)})"


def _slowness(old: Side, new: Side, limits: Limits) -> Iterable[str]:
    """Whether it is slower. Durations are known by bucket only, the next bound being up to 2.5 times away."""
    if min(new.counts.calls, old.counts.calls) < limits.min_calls:
        return
    before, after = old.counts.quantile(0.95), new.counts.quantile(0.95)
    if before is None or after is None:
        return
    allowed = max(before * limits.p95_ratio, before + limits.p95_floor)
    if after <= allowed:
        return
    # The mean is exact. Where 9 ms became 11, the 95th percentile seems to double as it goes into the next bucket; then
    # the mean must have doubled too.
    further = bucket_number(new.counts.buckets, 0.95) - bucket_number(old.counts.buckets, 0.95)
    if further < 2 and not (new.counts.mean or 0) > (old.counts.mean or 0) * limits.p95_ratio:
        return
    # A few slow calls, as a new process has at its start, are no credible 5 %.
    slow = int(new.counts.calls * share_above(new.counts.buckets, allowed))
    if binomial_tail(slow, new.counts.calls, 0.05) < RISK:
        yield f"95 % of the new revision's calls took up to {_ms(after)}, but {_ms(before)} with the old"


def binomial_tail(successes: int, trials: int, chance: float) -> float:
    """The probability of so many successes or more."""
    if successes <= 0:
        return 1.0
    if not 0 < chance < 1:
        return float(chance >= 1)
    log, log_other, result = math.log(chance), math.log1p(-chance), 0.0
    for some in range(successes, trials + 1):
        term = math.exp(_log_choose(trials, some) + some * log + (trials - some) * log_other)
        result += term
        if some > trials * chance and term < result * 1e-12:  # the rest only becomes less
            break
    return min(1.0, result)


def fisher_tail(new_errors: int, new_calls: int, old_errors: int, old_calls: int) -> float:
    """The probability that so many or more of all errors fall on the new side, if it is chance whose they are.

    The case itself counts half (the mid-p of textbooks): counted whole, the test is far stricter with few errors than
    its risk says, and four errors of the new release against none of the old would not be enough.
    """
    errors, calls = new_errors + old_errors, new_calls + old_calls
    everything = _log_choose(calls, errors)
    possible = range(max(new_errors, errors - old_calls), min(errors, new_calls) + 1)
    terms = [
        math.exp(_log_choose(new_calls, some) + _log_choose(old_calls, errors - some) - everything) for some in possible
    ]
    return min(1.0, sum(terms) - terms[0] / 2)


def _log_choose(total_number: int, chosen: int) -> float:
    return math.lgamma(total_number + 1) - math.lgamma(chosen + 1) - math.lgamma(total_number - chosen + 1)


def _errors_of(side: Side) -> str:
    return f"{side.counts.errors} of {side.counts.calls} calls ({_percent(side.counts.error_rate)})"


def _worst(side: Side) -> str:
    """The commonest outcomes but `ok`, most first."""
    failed = {name: count for name, count in side.counts.outcomes.items() if name != "ok" and name >= "500"}
    common = sorted(failed.items(), key=lambda item: (-item[1], item[0]))[:3]
    return ", ".join(f"{name} {count}" for name, count in common) or "kinds unknown"


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def _ms(seconds: float | None) -> str:
    if seconds is None:
        return "nobody knows how long"
    return f"{seconds * 1000:.{0 if seconds >= 0.1 else 1}f} ms"
