"""`python -m bench`: what `make bench` types, each verb in one function."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from bench import figures, growth, report_rpc, rpc, soak
from bench.contestants import CONTESTANTS
from bench.site_lab import PEERS, LabSite
from bench.site_loopback import LoopbackSite
from fleet.errors import FleetError
from fleet.paths import CACHE, ROOT
from fleet.release import lock
from lab import LabError

SITES = {"lab": LabSite, "loopback": LoopbackSite}
RESULTS = {"lab": ROOT / "bench" / "results", "loopback": CACHE / "bench" / "results"}
EXIT_FAILED = 1
EXIT_INTERRUPTED = 130  # as a shell does for Ctrl-C


def say(line: str) -> None:
    """Tell who waits."""
    print(time.strftime("%H:%M:%S"), line, file=sys.stderr, flush=True)  # noqa: T201 - this is the command line


def compare(arguments: argparse.Namespace) -> None:
    if arguments.apart and arguments.where != "lab":
        raise FleetError("--apart is for hosts, and only the lab has any: leave it out, or take `--where lab`.")
    chosen = tuple(one for one in CONTESTANTS if one.name in arguments.only)
    rpc.run(SITES[arguments.where], chosen, arguments, say)
    say(f"{rpc.results_of(arguments).path.with_suffix('.md')} has the result")


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m bench", description="Measures; see bench/README.md.")
    verbs = result.add_subparsers(title="verbs", metavar="VERB", required=True)

    def verb(name, function, text, *, measures=True):
        added = verbs.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        added.set_defaults(run=function)
        if measures:
            added.add_argument("--where", choices=SITES, default="lab", help="loopback only proves the code")
            added.add_argument("--results", type=Path, metavar="FOLDER", help="where the results go")
        return added

    names = [one.name for one in CONTESTANTS]
    one = verb("rpc", compare, "compare this project with its peers")
    one.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    one.add_argument("--rounds", type=int, default=3)
    one.add_argument("--seconds", type=float, default=8, help="of each measurement")
    one.add_argument("--connections", type=int, nargs="+", default=[1, 16, 64])
    one.add_argument("--minutes", type=float, default=45, help="after which it stops, whatever is missing")
    one.add_argument("--apart", action="store_true", help="app hosts and core hosts on cores of their own; lab only")

    one = verb(
        "growth",
        lambda given: growth.run(SITES[given.where], given, say),
        "measure this project from 1 to 256 connections",
    )
    one.add_argument("--seconds", type=float, default=6, help="of each measurement")

    one = verb("soak", lambda given: soak.run(SITES[given.where], given, say), "watch memory at half capacity")
    one.add_argument("--minutes", type=float, default=30)

    one = verb("figures", lambda given: figures.run(given.names), "time what operators wait for", measures=False)
    help_text = "; ".join(f"{name}: {function.__doc__}" for name, function in figures.FIGURES.items())
    one.add_argument("names", nargs="+", choices=figures.FIGURES, metavar="NAME", help=help_text)

    one = verb("report", lambda given: report_rpc.write(rpc.results_of(given)), "write rpc's report again")
    one.add_argument("--apart", action="store_true", help="of a run with --apart")

    one = verb(
        "lock", lambda given: lock.write(PEERS, upgrade=given.upgrade), "lock what the peers need", measures=False
    )
    one.add_argument("--upgrade", action="store_true", help="take newer versions too")
    return result


def main() -> int:
    arguments = parser().parse_args()
    if "where" in arguments:
        arguments.results = arguments.results or RESULTS[arguments.where]
    try:
        arguments.run(arguments)
    except (FleetError, LabError) as error:
        say(str(error))
        return EXIT_FAILED
    except KeyboardInterrupt:
        say("Interrupted; what was measured until now is in the results.")
        return EXIT_INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
