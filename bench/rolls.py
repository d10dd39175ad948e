"""Times rolls on the lab, and what they cost the requests that are answered meanwhile."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from fleet import inventory, url
from fleet.paths import CATALOGUE, INVENTORY, RELEASES, ROOT
from lab import Lab

SERVICES = ("greeting", "airports", "trips", "gateway")
RELEASE = "9.0.0"  # one that nobody else uses, for a release never changes on a host
RATE = 40  # requests a second, half of them writes
NO_BAKE = "ARGS=--extra-vars rollout_bake=0"


def build():
    """The same code of each service as another release."""
    for service in SERVICES:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / service
            shutil.copytree(ROOT / "services" / service, source)
            project = source / "pyproject.toml"
            project.write_text(project.read_text().replace('version = "1.0.0"', f'version = "{RELEASE}"'))
            command = [sys.executable, "-m", "fleet", "release", service, "--source", source]
            subprocess.run(command, cwd=ROOT, check=True, stderr=subprocess.DEVNULL)


def start_load(seconds):
    """Open-loop load through the virtual IP from here for so long; the process, which prints what it saw."""
    where = urlsplit(url.base_url(inventory.load(INVENTORY)))
    job = {"host": where.hostname, "port": where.port, "connections": 32, "seconds": seconds, "warmup": 1}
    job |= {"mix": ["GET", "POST"], "rate": RATE}
    process = subprocess.Popen(
        [sys.executable, ROOT / "bench" / "load.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    process.stdin.write(json.dumps(job))
    process.stdin.close()
    return process


def seen(process):
    """What a load saw, once it has ended."""
    found = json.loads(process.stdout.read())
    return {key: found[key] for key in ("rate", "p50_ms", "p99_ms", "max_ms", "errors", "samples")}


def measure(timed, record):
    """Roll one service and all of them, there and back, and one more time under load."""
    text = CATALOGUE.read_text()
    build()
    try:
        for name, services in (("one service", ["greeting"]), ("all four services", SERVICES)):
            which = f"SERVICE={','.join(services)}"
            for verb, more in (("rollout", [f"RELEASE={RELEASE}"]), ("rollback", [])):
                seconds, cpu = timed("make", verb, which, *more, NO_BAKE)
                record(f"{verb} of {name}, 3 app hosts", seconds, controller_cpu_seconds=round(cpu, 1))
        before = seen(start_load(20))
        process = start_load(60)
        seconds, _ = timed("make", "rollout", "SERVICE=gateway", f"RELEASE={RELEASE}", NO_BAKE)
        during = seen(process)
        record("rollout of the gateway under load", seconds, before=before, during=during)
        timed("make", "rollback", "SERVICE=gateway", NO_BAKE)
    finally:
        CATALOGUE.write_text(text)
        for service in SERVICES:
            shutil.rmtree(RELEASES / f"{service}-{RELEASE}", ignore_errors=True)
        lab = Lab.from_inventory(INVENTORY)
        for host in inventory.load(INVENTORY).groups["app"]:
            lab.exec(host, ["sh", "-c", f"rm -rf /opt/fleet/*/{RELEASE}"], check=True)
