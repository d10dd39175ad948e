"""One measurement of one contestant: what its clients saw, and what CPU time it took where."""

from __future__ import annotations

import os
import time

from bench import usage
from bench.contestants import PARTS, Contestant
from fleet.errors import FleetError
from lab import LabError

SHARED = ("broker", "redis", "balancer")
START_SECONDS = 60  # until a contestant answers rightly
IDLE_SECONDS = 5


class Bench:
    """Contestants that run on a site, ready to be measured one after the other."""

    def __init__(self, site, contestants, say):
        self._site, self._say = site, say
        self._seeds = {}
        self._idle = {}
        for contestant in contestants:
            site.start(contestant)
        for contestant in contestants:
            self._await(contestant)
            say(f"{contestant.name} answers")
        for contestant in contestants:
            # Python compiles its last imports, connections are opened, queues are declared.
            self._generate(contestant, connections=16, seconds=2, mix=["GET", "POST"])

    def look_at_idle(self) -> None:
        """Learn what each part takes while nobody asks for anything: heartbeats, health checks, replication."""
        before, began = self._site.usage(), time.monotonic()
        time.sleep(IDLE_SECONDS)
        after, seconds = self._site.usage(), time.monotonic() - began
        self._idle = {name: (after[name] - before[name]) / seconds for name in after}

    def measure(self, contestant: Contestant, **job) -> dict:
        """Run one job, see bench/load.py; its result with `cpu_ms` a request by part, less what the part takes idle."""
        before, busy, began = self._site.usage(), usage.machine(), time.monotonic()
        result = self._generate(contestant, warmup=1, **job)
        after, busy, seconds = self._site.usage(), usage.machine() - busy, time.monotonic() - began
        used = {name: after[name] - before[name] for name in after}
        # Contestants at rest and whatever else runs on this machine: how undisturbed the measurement was.
        counted = sum(used[name] for name in self._names(contestant)) + result["load_cpu_s"]
        requests = max(1, result["answered"])

        def milliseconds(name: str) -> float:
            return round(max(0.0, used[name] - self._idle.get(name, 0) * seconds) * 1000 / requests, 4)

        result["cpu_ms"] = {name.rpartition("/")[2]: milliseconds(name) for name in self._names(contestant)}
        result["cpu_ms_total"] = round(sum(result["cpu_ms"].values()), 4)
        result["load_cpu_ms"] = round(result.pop("load_cpu_s") * 1000 / requests, 4)
        result["others_cores"] = round(max(0.0, busy - counted) / seconds, 2)
        result["idle_cores"] = {name: round(share, 4) for name, share in self._idle.items() if name in SHARED}
        return result

    def _names(self, contestant: Contestant) -> list[str]:
        shared = SHARED if contestant.queues else SHARED[1:]
        known = self._site.usage()
        return [*(name for name in shared if name in known), *(f"{contestant.name}/{part}" for part in PARTS)]

    def _generate(self, contestant: Contestant, *, connections, seconds, mix, warmup=0.5, rate=None) -> dict:
        host, port = self._site.address(contestant, "gateway").split(":")
        job = {"host": host, "port": int(port), "connections": connections, "seconds": seconds, "warmup": warmup}
        job |= {"mix": list(mix), "rate": rate, "seeds": self._seeds.get(contestant, [])}
        result = self._site.generate(job)
        self._seeds[contestant] = result.pop("seeds")
        return result

    def _await(self, contestant: Contestant) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                result = self._generate(contestant, connections=1, seconds=0.2, mix=["GET", "POST"], warmup=0)
                if not result["errors"]:
                    return
                reason = result["samples"][0]
            except (FleetError, LabError) as error:
                reason = str(error)
            if time.monotonic() > deadline:
                said = self._site.log(contestant)
                raise FleetError(f"{contestant.name} does not answer rightly ({reason}). Its log ends:\n{said}")
            time.sleep(1)


def facts(site) -> dict:
    """Where and on what a run was made."""
    return {
        "where": site.name,
        "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 1),
        "versions": site.versions(),
    }
