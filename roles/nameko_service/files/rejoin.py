#!/usr/bin/python3
"""What may not take calls any more, on a host that was away, is put on probation: the fleet may have rolled on.

It asks the core hosts' record, and waits until a majority of them has answered. `fleet-rejoin` does so once, before
supervisor starts on a host that has booted. `fleet-rejoin --watch` does so whenever the host was cut off or suspended:
it holds the instances back as long as neither a broker nor the Redis primary can be reached, when they have nothing to
do, and lets go those that are still right. `--root FOLDER` is for tests.
"""

from __future__ import annotations

import argparse
import configparser
import csv
import http.client
import io
import json
import re
import socket
import sys
import threading
import time
from pathlib import Path

PROGRAM = re.compile(r"program:(?P<program>(?P<service>[a-z][a-z0-9_]*)-[^-]+-[ab]\d+)")
ANSWER = 2.0  # seconds for a core host to answer
PAUSE = 1.0  # seconds between two rounds
BALANCER = "run/haproxy/admin.sock"
ADMITTED, HELD, PROBATION, DRAINING = "admitted", "held", "probation", "draining"
TELL = 60.0  # seconds between two lines that say what it waits for
STATES = "var/lib/fleet/instances"
FROZEN = 15.0  # seconds for a pause: a host that was suspended so long has seen nothing of what went on
NO_RECORD = {"version": 0, "services": {}}
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


def state(path: Path) -> str:
    return path.read_text("utf-8").strip() if path.exists() else ""


def write(path: Path, what: str) -> None:
    """At once, for an instance reads it at any time."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(f"{what}\n", "utf-8")
    new.chmod(0o644)
    new.replace(path)


def compare(root: Path, record: dict) -> None:
    """Have each instance be what the record says of its revision; one that is to end does so anyway."""
    for program, (service, revision) in programs(root / "etc/supervisor/conf.d").items():
        path = root / STATES / f"{program}.state"
        # Without a record there was no roll that could have gone on without this host.
        right = not record["version"] or revision in record["services"].get(service, [])
        if right and state(path) == HELD:
            write(path, ADMITTED)
        elif not right and state(path) != DRAINING:
            say(f"{program} stays on probation: {revision or 'what it runs with'} is not what {service} is now.")
            write(path, PROBATION)


def instances(root: Path, what: str) -> dict[str, Path]:
    """Of the instances that supervisor is to run here, those in a state: program to its state file."""
    paths = {name: root / STATES / f"{name}.state" for name in programs(root / "etc/supervisor/conf.d")}
    return {name: path for name, path in paths.items() if state(path) == what}


def hold(root: Path) -> None:
    """Have those that take calls wait until they have been compared."""
    for program, path in instances(root, ADMITTED).items():
        say(
            f"{program} is held back: this host was cut off from broker and Redis, and the fleet may roll on meanwhile."
        )
        write(path, HELD)


def is_cut_off(balancer: Path) -> bool:
    """Whether the host's balancer finds neither a broker nor the Redis primary; not where it says nothing."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER)
        try:
            connection.connect(str(balancer))
            connection.sendall(b"show stat\n")
            text = connection.makefile(encoding="utf-8").read()
        except OSError:
            return False
    rows = [row for row in csv.DictReader(io.StringIO(text.removeprefix("# "))) if row["pxname"] in ("amqp", "redis")]
    servers = [row["status"] for row in rows if row["svname"] not in ("FRONTEND", "BACKEND")]
    return bool(servers) and not any(status.startswith("UP") for status in servers)


def watch(root: Path, nodes: list[str], port: int) -> None:
    """Hold and compare, again and again; without core hosts to ask nothing is held."""
    frozen = 0.0
    while True:
        if nodes and (is_cut_off(root / BALANCER) or frozen > FROZEN):
            hold(root)
        elif instances(root, HELD):
            compare(root, newest(nodes, port) if nodes else NO_RECORD)
        began = time.clock_gettime(time.CLOCK_BOOTTIME)  # goes on while the host is suspended
        time.sleep(PAUSE)
        frozen = time.clock_gettime(time.CLOCK_BOOTTIME) - began


def say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", type=Path, default=Path("/"))
    parser.add_argument("--watch", action="store_true")
    given = parser.parse_args()
    root = given.root
    config = json.loads((root / "etc/fleet/rejoin.json").read_text("utf-8"))
    if given.watch:
        watch(root, config["nodes"], config["port"])
    if config["nodes"]:
        compare(root, newest(config["nodes"], config["port"]))
    # Gone after a reboot, and there when supervisor alone is started anew.
    marker = root / "run/fleet/rejoined"
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()


if __name__ == "__main__":
    main()
