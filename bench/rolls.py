"""Times rolls on the lab, and what they cost the requests that are answered meanwhile."""

import contextlib
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


@contextlib.contextmanager
def prepared(services, lab, hosts):
    """There is another release of each service, of the same code; afterwards it is gone, here and on the hosts."""
    text = CATALOGUE.read_text()
    build(services)
    try:
        yield
    finally:
        CATALOGUE.write_text(text)
        for service in services:
            shutil.rmtree(RELEASES / f"{service}-{RELEASE}", ignore_errors=True)
        for host in hosts:
            lab.exec(host, ["sh", "-c", f"rm -rf /opt/fleet/*/{RELEASE}"], check=True)


def build(services):
    """Build the release of each service."""
    for service in services:
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


def there_and_back(timed, record, services, what, *more, **facts):
    """Time a roll of services to the other release, and the rollback of it; `what` and `facts` say what was rolled."""
    which = f"SERVICE={','.join(services)}"
    for verb, asked in (("rollout", [f"RELEASE={RELEASE}"]), ("rollback", [])):
        seconds, cpu = timed("make", verb, which, *asked, NO_BAKE, *more)
        record(f"{verb} of {what}", seconds, **facts, controller_cpu_seconds=round(cpu, 1))


def measure(timed, record):
    """Roll one service and all of them, there and back, and one more time under load."""
    with prepared(SERVICES, Lab.from_inventory(INVENTORY), inventory.load(INVENTORY).groups["app"]):
        there_and_back(timed, record, ["greeting"], "one service, 3 app hosts")
        there_and_back(timed, record, SERVICES, "all four services, 3 app hosts")
        before = seen(start_load(20))
        process = start_load(60)
        seconds, _ = timed("make", "rollout", "SERVICE=gateway", f"RELEASE={RELEASE}", NO_BAKE)
        during = seen(process)
        record("rollout of the gateway under load", seconds, before=before, during=during)
        timed("make", "rollback", "SERVICE=gateway", NO_BAKE)
