"""How long the parts of a roll took, from what was seen of its instances."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.rollout.samples import Samples, span, spells


def seconds(samples: Samples, began: float, locked: float, now: float) -> dict[str, float]:
    """Seconds by part: `staging`, each service by its name, and `all`.

    A service's part is from the first to the last change among its instances, its proof, its bake and its drain
    included; one of which no change was seen is left out.

    Args:
        samples: by host, the lines of `service_sampler`, which begins when all is staged.
        began: when the roll began, in epoch seconds.
        locked: when the run that ended it did, which may be days later.
        now: when it ended.
    """
    covered = span(samples)
    staging = {"staging": round(max(0.0, covered[0] - locked), 1)} if covered else {}
    changes: dict[str, list[float]] = {}
    for service, at in _changes(samples):
        changes.setdefault(service, []).append(at)
    services = {
        name: round(max(times) - min(times), 1) for name, times in sorted(changes.items(), key=lambda one: min(one[1]))
    }
    return {**staging, **services, "all": round(now - began, 1)}


def _changes(samples: Samples) -> Iterator[tuple[str, float]]:
    """Service and epoch seconds of each coming, going and change of state."""
    ends = {host: span({host: lines}) for host, lines in samples.items()}
    for instance in spells(samples):
        first, last = ends[instance["host"]]
        times = [one["began"] for one in instance["spells"]] + [instance["spells"][-1]["ended"]]
        yield from ((instance["service"], at) for at in times if first < at < last)
