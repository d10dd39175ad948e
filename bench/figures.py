"""Times what an operator waits for, on the lab: `python -m bench figures NAME`, see bench/README.md.

Each figure is a line of JSON in bench/results/lab.jsonl: what was run, how long it took, on what.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import requests
import yaml

from bench import rolls
from fleet import inventory, url
from fleet.paths import INVENTORY, ROOT
from lab import Lab

RESULTS = ROOT / "bench" / "results" / "lab.jsonl"


def record(figure, seconds, **more):
    """Append one result, and say it."""
    line = {"figure": figure, "seconds": round(seconds, 1), **more, "load": os.getloadavg()[0], "cores": os.cpu_count()}
    line["when"] = datetime.now(UTC).isoformat(timespec="seconds")
    with RESULTS.open("a") as file:
        file.write(json.dumps(line) + "\n")
    sys.stdout.write(json.dumps(line) + "\n")


def timed(*command):
    """Run a command in the repository; return wall seconds and the CPU seconds of it and its children."""
    before, began = os.times(), time.monotonic()
    subprocess.run(list(map(str, command)), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    seconds, after = time.monotonic() - began, os.times()
    return seconds, after.children_user + after.children_system - before.children_user - before.children_system


def up():
    """`make up` from what there is, then again with nothing to do."""
    for figure in ("make up", "make up, nothing to do"):
        seconds, cpu = timed("make", "up")
        record(figure, seconds, controller_cpu_seconds=round(cpu, 1))


def restore():
    """`restore` of the converged fleet to the first 200 through the virtual IP."""
    lab = Lab.from_inventory(INVENTORY)
    lab.save("bench")
    address = url.base_url(inventory.load(INVENTORY)) + "/hello/world"
    began = time.monotonic()
    lab.restore("bench")
    hosts_answer = time.monotonic() - began
    while True:
        try:
            if requests.get(address, timeout=1).status_code == 200:
                break
        except requests.RequestException:
            time.sleep(0.1)
    record("restore to the first 200", time.monotonic() - began, hosts_answer_seconds=round(hosts_answer, 1))


def grow():
    """site.yml with nothing to do, and a roll of one service, against the number of app hosts."""
    content = yaml.safe_load(INVENTORY.read_text())
    added = {f"app{number}": {"ansible_host": f"10.77.0.{20 + number}"} for number in range(4, 10)}
    # Addresses of the lab end at .30 for app hosts; the last three stand elsewhere.
    added |= {f"app{number}": {"ansible_host": f"10.77.0.{60 + number}"} for number in range(10, 13)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lab.yml"
        (Path(folder) / "group_vars").symlink_to(INVENTORY.parent / "group_vars")
        for hosts in (3, 6, 12):
            names = list(added)[: hosts - 3]
            content["app"]["hosts"] |= {name: added[name] for name in names}
            path.write_text(yaml.safe_dump(content))
            lab = Lab.from_inventory(path)
            lab.up()
            timed("make", "deploy", f"INVENTORY={path}")
            seconds, cpu = timed("make", "deploy", f"INVENTORY={path}")
            record("site.yml, nothing to do", seconds, app_hosts=hosts, controller_cpu_seconds=round(cpu, 1))
            with rolls.prepared(["greeting"], lab, content["app"]["hosts"]):
                rolls.there_and_back(timed, record, ["greeting"], "one service", f"INVENTORY={path}", app_hosts=hosts)
        lab.destroy(*added)
    timed("make", "deploy")


def memory():
    """Memory of each host and of the whole lab, from the hosts' control groups."""
    used = {one.host: one.memory // 2**20 for one in Lab.from_inventory(INVENTORY).status()}
    record("memory of the lab", 0, mib=used, total_mib=sum(used.values()))


def roll():
    """A roll of one service and of all four, there and back, and what it costs the requests meanwhile."""
    rolls.measure(timed, record)


FIGURES = {function.__name__: function for function in (up, restore, grow, memory, roll)}


def run(names):
    """Time the named figures, in this order."""
    RESULTS.parent.mkdir(exist_ok=True)
    for name in names:
        FIGURES[name]()
