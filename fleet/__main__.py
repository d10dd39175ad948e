"""`python -m fleet`: what the Makefile types, each verb in one function."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

from fleet import catalogue, inventory, paths, secrets, tunnel
from fleet.contract import compare, places, report
from fleet.errors import FleetError, suggestion
from fleet.release import build, built, lock
from fleet.release.source import read_service
from fleet.url import base_url

EXIT_INCOMPATIBLE = 1
EXIT_REFUSED = 2  # as argparse does for what it refuses
EXIT_INTERRUPTED = 130  # as a shell does for Ctrl-C


def say(line: str) -> None:
    """Tell the operator; standard output is for what was asked for."""
    print(line, file=sys.stderr)  # noqa: T201 - this is the command line


def _service_names() -> list[str]:
    pyprojects = paths.SERVICES.glob("*/pyproject.toml")
    return sorted(path.parent.name for path in pyprojects if path.parent != paths.CHASSIS)


def _build(service: str, source: Path) -> None:
    built = build(service, source, chassis=paths.CHASSIS, releases=paths.RELEASES, cache=paths.CACHE)
    say(f"{paths.shown(built.folder)} {'is built' if built.new else 'was built already'}")


def _catalogue() -> dict[str, dict]:
    return catalogue.complete(catalogue.load(paths.CATALOGUE))


def _check_service(service: str, verb: str) -> None:
    valid = _service_names()
    if not service:
        raise FleetError(f"Name the service, e.g. `make {verb} SERVICE={valid[0]}` ({suggestion('', valid)}).")
    if service not in valid:
        raise FleetError(f"There is no service {service} in services/: {suggestion(service, valid)}.")


def release(arguments: argparse.Namespace) -> None:
    if arguments.source is None:
        _check_service(arguments.service, "release")
    for problem in catalogue.name_problems(arguments.service):
        raise FleetError(problem)
    _build(arguments.service, arguments.source or paths.SERVICES / arguments.service)


def lock_services(arguments: argparse.Namespace) -> None:
    for service in _service_names():
        lock.write(paths.SERVICES / service, upgrade=arguments.upgrade)


def run_service(arguments: argparse.Namespace) -> None:
    """Become Nameko, running the service from its source."""
    service = arguments.service
    _check_service(service, "run")
    module = read_service(paths.SERVICES / service, service).module
    folders = [str(folder / "src") for folder in (paths.SERVICES / service, paths.CHASSIS)]
    # Nameko 2 says on each start that its foundations are old.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders), "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, "-m", "nameko", "run", "--config", str(paths.SERVICES / "dev.yml"), module]
    os.execve(sys.executable, command, environment)  # noqa: S606 - no shell is wanted


def releases(_: argparse.Namespace) -> None:
    valid = _service_names()
    for service, entry in _catalogue().items():
        if service in valid:
            _build(service, paths.SERVICES / service)
        there = built(paths.RELEASES)
        if entry["release"] not in there.get(service, []):
            raise FleetError(
                f"The catalogue has {service} {entry['release']}, which is not built and not what services/{service} "
                f"has: {suggestion(entry['release'], there.get(service, []))}."
            )


def contract(arguments: argparse.Namespace) -> int:
    old, new = (places.named(one, paths.RELEASES) for one in (arguments.old, arguments.new))
    found = compare(old, new)
    print(report.text(f"{arguments.old} -> {arguments.new}", new, found))  # noqa: T201 - what is asked for
    return EXIT_INCOMPATIBLE if found else 0


def check(_: argparse.Namespace) -> None:
    _catalogue()


def fill_secrets(arguments: argparse.Namespace) -> None:
    added = secrets.fill(arguments.file, _catalogue())
    say(f"{paths.shown(arguments.file)}: {f'generated {len(added)} secret(s)' if added else 'nothing is missing'}")


def url(arguments: argparse.Namespace) -> None:
    print(base_url(inventory.load(arguments.inventory)))  # noqa: T201 - the one thing that is asked for


def shell(arguments: argparse.Namespace) -> int:
    # Nameko takes a second to import, which no other verb should pay, and says that its foundations are old.
    with warnings.catch_warnings(action="ignore"):
        from fleet.shell import run

    with tunnel.amqp(inventory.load(arguments.inventory)) as uri:
        return run(uri)


def parser() -> argparse.ArgumentParser:
    result = argparse.ArgumentParser(prog="python -m fleet", description="Decides for the fleet, on the controller.")
    verbs = result.add_subparsers(title="verbs", metavar="VERB", required=True)

    def verb(name: str, function: Callable, text: str, *, of_inventory: bool = False) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        added.set_defaults(run=function)
        if of_inventory:
            added.add_argument("--inventory", type=Path, default=paths.INVENTORY, metavar="FILE")
        return added

    verb("check", check, "refuse a malformed catalogue, before Ansible reads it and doesn't say which file is wrong")
    one = verb("release", release, "build a release of a service into dist/releases")
    one.add_argument("service", metavar="SERVICE", help="its name")
    one.add_argument("--source", type=Path, metavar="FOLDER", help="its source (default: services/SERVICE)")
    one = verb("run", run_service, "run a service alone on this machine, see services/dev.yml")
    one.add_argument("service", metavar="SERVICE", help="its name")
    one = verb("lock", lock_services, "bring each service's requirements.lock up to its pyproject.toml")
    one.add_argument("--upgrade", action="store_true", help="take newer versions too")
    one = verb("contract", contract, "tell whether two releases of a service can serve side by side")
    one.add_argument("old", metavar="OLD", help="a built release such as airports-1.0.0, or a source's folder")
    one.add_argument("new", metavar="NEW", help="the same of what is to follow it")
    verb("releases", releases, "build every release that the catalogue names")
    one = verb("secrets", fill_secrets, "generate the passwords that a file lacks")
    one.add_argument("file", type=Path, metavar="FILE", help="e.g. inventory/group_vars/lab/secrets.yml")
    verb("url", url, "print the application's base URL", of_inventory=True)
    verb("shell", shell, "open a nameko shell on the fleet", of_inventory=True)
    return result


def main(argv: list[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    try:
        return arguments.run(arguments) or 0
    except FleetError as error:
        say(str(error))
        return EXIT_REFUSED
    except KeyboardInterrupt:
        say("Interrupted.")
        return EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
