"""The service instances that this host has supervisor files for, and where their files are."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

PROGRAM = re.compile(
    r"program:(?P<program>(?P<service>[a-z][a-z0-9_]*)-(?P<release>[^-]+)-(?P<slot>[ab])(?P<number>\d+))"
)
CONFIGURATIONS = "/etc/fleet"
FILES = "/etc/supervisor/conf.d"
STATES = "/var/lib/fleet/instances"
#: This file, compiled, for who starts a process that needs it (see `service_samples`).
CODE = sys._getframe().f_code


def paths(service: str, program: str) -> dict[str, Path]:
    """Where an instance's files are, in the order in which they are written."""
    return {
        "configuration": Path(f"{CONFIGURATIONS}/{service}/{program}.yml"),
        "state": Path(f"{STATES}/{program}.state"),
        "record": Path(f"{STATES}/{program}.sha1"),
        "program": Path(f"{FILES}/{program}.conf"),
    }


def write(path: Path, content: str, mode: int, group: str = "") -> bool:
    """Have the file say this, in one step; whether it said something else."""
    if path.is_file() and path.read_text("utf-8") == content and path.stat().st_mode & 0o777 == mode:
        return False
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        os.fchmod(file.fileno(), mode)
        if group:
            shutil.chown(name, group=group)
    Path(name).rename(path)
    return True


def write_state(program: str, state: str) -> bool:
    """Have the instance be in a state, which it follows; whether its file said another."""
    return write(Path(f"{STATES}/{program}.state"), f"{state}\n", 0o644)


def desired_state(program: str, states: str = "") -> str:
    """What the instance should be: probation, admitted, held or draining."""
    try:
        return (Path(states or STATES) / f"{program}.state").read_text("utf-8").strip()
    except FileNotFoundError:
        return "probation"


def configured(files: str = "", states: str = "") -> Iterator[dict]:
    """Each instance: `program`, `service`, `release`, `slot`, `number`, `revision`, `address`, `port`, `state`.

    And its `file`. From this host's folders, or from others.
    """
    for path in sorted(Path(files or FILES).glob("*.conf")):
        parser = configparser.RawConfigParser(inline_comment_prefixes=(" ;",))
        parser.read(path, encoding="utf-8")
        for section in parser.sections():
            name = PROGRAM.fullmatch(section)
            if not name:
                continue
            environment = dict(re.findall(r'(\w+)="([^"]*)"', parser[section].get("environment", "")))
            yield {
                **name.groupdict(),
                "number": int(name["number"]),
                "revision": environment.get("FLEET_REVISION", ""),
                "address": environment.get("FLEET_ADDRESS", ""),
                "port": int(environment.get("FLEET_PORT", "0")),
                "state": desired_state(name["program"], states),
                "file": path,
            }
