#!/usr/bin/python3
"""Before supervisor starts on a host that has booted: what may not take calls any more is put on probation.

While the host was away the fleet may have rolled on. So it asks the core hosts' record, and waits until a majority of
them has answered: `fleet-rejoin [--root FOLDER]`, the folder for tests.
"""

from __future__ import annotations

import argparse
import configparser
import http.client
import json
import re
import sys
import threading
import time
from pathlib import Path

PROGRAM = re.compile(r"program:(?P<program>(?P<service>[a-z][a-z0-9_]*)-[^-]+-[ab]\d+)")
ANSWER = 2.0  # seconds for a core host to answer
PAUSE = 1.0  # seconds between two rounds
TELL = 60.0  # seconds between two lines that say what it waits for
LENGTH = 2**24  # bytes of an answer, at most


def is_record(answer: object) -> bool:
    types = {"version": int, "services": dict}
    return isinstance(answer, dict) and all(isinstance(answer.get(key), kind) for key, kind in types.items())


def ask(node: str, port: int, answers: dict[str, dict | str]) -> None:
    """Put what a core host says, or else why there is nothing, into `answers`."""
    connection = http.client.HTTPConnection(node, port, timeout=ANSWER)
    try:
        connection.request("GET", "/")
        response = connection.getresponse()
        answer = json.loads(response.read(LENGTH)) if response.status == 200 else f"it answered {response.status}"
        answers[node] = answer if isinstance(answer, str) or is_record(answer) else "it answered something else"
    except (OSError, ValueError, http.client.HTTPException) as error:
        answers[node] = str(error) or type(error).__name__
    finally:
        connection.close()


def ask_all(nodes: list[str], port: int) -> dict[str, dict | str]:
    """One round. Answers of an earlier one don't count: the record may have changed since."""
    answers: dict[str, dict | str] = {}
    threads = [threading.Thread(target=ask, args=(node, port, answers), daemon=True) for node in nodes]
    for thread in threads:
        thread.start()
    end = time.monotonic() + ANSWER + PAUSE
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return {node: answers.get(node, "it answers too slowly") for node in nodes}


def newest(nodes: list[str], port: int) -> dict:
    """What the record says of revisions, as soon as a majority of the core hosts has answered."""
    required = len(nodes) // 2 + 1
    told = -TELL
    while True:
        answers = ask_all(nodes, port)
        there = [answer for answer in answers.values() if isinstance(answer, dict)]
        if len(there) >= required:
            return max(there, key=lambda answer: answer["version"])
        if time.monotonic() - told >= TELL:
            told = time.monotonic()
            reasons = ", ".join(f"{node} ({why})" for node, why in answers.items() if isinstance(why, str))
            say(
                f"Services wait until {required} of {len(nodes)} core hosts say what may run here; these don't: "
                f"{reasons}. Bring core hosts back; `make status` on the controller shows them."
            )
        time.sleep(PAUSE)


def programs(folder: Path) -> dict[str, tuple[str, str]]:
    """Each instance's program, with its service and its revision."""
    found = {}
    for path in sorted(folder.glob("*.conf")):
        parser = configparser.RawConfigParser(inline_comment_prefixes=(" ;",), strict=False)
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, ValueError) as error:
            # Supervisor will say so too, and start nothing.
            say(f"{path} can't be read: {error}")
            continue
        for section in parser.sections():
            if name := PROGRAM.fullmatch(section):
                environment = parser[section].get("environment", "")
                revision = re.search(r'\bFLEET_REVISION="([^"]*)"', environment)
                found[name["program"]] = (name["service"], revision[1] if revision else "")
    return found


def put_on_probation(path: Path) -> None:
    """Unless it is to end anyway. Written at once, for an instance reads it at any time."""
    try:
        if path.read_text("utf-8").strip() == "draining":
            return
    except FileNotFoundError:
        pass
    new = path.with_name(f".{path.name}.new")
    new.write_text("probation\n", "utf-8")
    new.chmod(0o644)
    new.replace(path)


def say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=Path, default=Path("/"))
    root = parser.parse_args().root
    config = json.loads((root / "etc/fleet/rejoin.json").read_text("utf-8"))
    if config["nodes"]:
        record = newest(config["nodes"], config["port"])
        # Without a record there was no roll that could have gone on without this host.
        for program, (service, revision) in programs(root / "etc/supervisor/conf.d").items():
            if record["version"] and revision not in record["services"].get(service, []):
                say(f"{program} stays on probation: {revision or 'what it runs with'} is not what {service} is now.")
                put_on_probation(root / f"var/lib/fleet/instances/{program}.state")
    # Gone after a reboot, and there when supervisor alone is started anew.
    marker = root / "run/fleet/rejoined"
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()


if __name__ == "__main__":
    main()
