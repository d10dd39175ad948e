"""The service instances that this host has supervisor files for."""

from __future__ import annotations

import configparser
import re
import sys
from collections.abc import Iterator
from pathlib import Path

PROGRAM = re.compile(
    r"program:(?P<program>(?P<service>[a-z][a-z0-9_]*)-(?P<release>[^-]+)-(?P<slot>[ab])(?P<number>\d+))"
)
FILES = "/etc/supervisor/conf.d"
STATES = "/var/lib/fleet/instances"
#: This file, compiled, for who starts a process that needs it (see `service_samples`).
CODE = sys._getframe().f_code


def desired_state(program: str, states: str = STATES) -> str:
    """What the instance should be: probation, admitted or draining."""
    try:
        return (Path(states) / f"{program}.state").read_text("utf-8").strip()
    except FileNotFoundError:
        return "probation"


def configured(files: str = FILES, states: str = STATES) -> Iterator[dict]:
    """Each instance: `program`, `service`, `release`, `slot`, `number`, `revision`, `address`, `port`, `state`.

    And its `file`.
    """
    for path in sorted(Path(files).glob("*.conf")):
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
