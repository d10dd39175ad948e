"""Samples as `service_sampler` returns them, of instances that serve as a test wants."""

import random
from bisect import bisect_left

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
BOUNDS = (*map(str, BUCKETS), "+Inf")


class Instance:
    """One that counts what it serves."""

    def __init__(self, release, *, number=1, host="app1", service="greeting", state="admitted", revision=None):
        self.service, self.release, self.host, self.state = service, release, host, state
        self.revision = revision or f"rev-{release}"
        self.program = f"{service}-{release}-a{number}"
        self.answers = True
        self.begin(1000.0)

    def begin(self, at):
        """Be a new process."""
        self.started, self.seconds, self.outcomes, self.counts = at, 0.0, {}, [0] * len(BOUNDS)

    def serve(self, *durations, outcome="ok"):
        for duration in durations:
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
            self.counts[bisect_left(BUCKETS, duration)] += 1
            self.seconds += duration

    def line(self):
        names = {name: getattr(self, name) for name in ("program", "service", "release", "revision", "state")}
        if not self.answers:
            nothing = {"started": None, "calls": 0, "errors": 0, "seconds": 0.0, "outcomes": {}, "buckets": {}}
            return {**names, "answered": False, **nothing}
        calls = sum(self.outcomes.values())
        return {
            **names,
            "answered": True,
            "started": self.started,
            "calls": calls,
            "errors": calls - self.outcomes.get("ok", 0),
            "seconds": self.seconds,
            "outcomes": dict(self.outcomes),
            # The chassis has a histogram only of methods that were called.
            "buckets": {bound: sum(self.counts[: i + 1]) for i, bound in enumerate(BOUNDS)} if calls else {},
        }


class Fleet:
    """Instances on hosts, sampled each second."""

    def __init__(self, *instances, at=2000.0):
        self.instances, self.at = list(instances), at
        self.samples = {one.host: [] for one in instances}
        self.sample()

    def sample(self):
        for host, lines in self.samples.items():
            own = [one.line() for one in self.instances if one.host == host]
            lines.append({"at": self.at, "instances": own})

    def run(self, seconds, each):
        """Let `each(instance, second)` serve, and sample, every second."""
        for second in range(seconds):
            for one in self.instances:
                each(one, second)
            self.at += 1
            self.sample()
        return self


def steady(calls, mean, *, errors=0.0, chance=None):
    """An `each` for `Fleet.run`: so many calls a second, around `mean` seconds long, some of them errors."""
    chance = chance or random.Random(1)  # noqa: S311 - not for secrets

    def each(one, _second):
        for _ in range(calls):
            duration = mean * chance.lognormvariate(0, 0.3)
            one.serve(duration, outcome="RuntimeError" if chance.random() < errors else "ok")

    return each


def by_release(**each):
    """An `each` that serves by the instance's release; its dots are written as underscores, after a `v`."""
    return lambda one, second: each[f"v{one.release.replace('.', '_')}"](one, second)
