"""A fleet as pre-flight sees it, and what it says of one."""

import json

from fleet import preflight
from fleet.contract import as_text, extract
from fleet.release.wheelhouse import sha256

PASSWORDS = {"rabbitmq_password": "aaaa1111aaaa1111", "redis_password": "bbbb2222bbbb2222"}

NO_RECORD = {"record": None, "public": None, "lock": None, "done": True, "broken": "", "broken_parts": []}


def host(address):
    return {
        "reachable": True,
        "address": address,
        "distribution": "Debian",
        "version": "13",
        "arch": "x86_64",
        "python": "3.13",
        "clock_offset": 0.02,
        "memory_mb": 2000,
        "memory_free_mb": 1000,
        "disk_free_mb": 3000,
        "var_free_mb": None,
        "networks": ["127.0.0.0/8", "10.77.0.0/24"],
        "gateways": ["10.77.0.1"],
        "interfaces": {"127.0.0.1": "lo", address: "eth0"},
    }


def write_release(releases, service, release="1.0.0"):
    folder = releases / f"{service}-{release}"
    (folder / "wheels").mkdir(parents=True)
    wheel = folder / "wheels" / f"fleet_{service}-{release}-py3-none-any.whl"
    wheel.write_bytes(b"x" * 2**20)
    manifest = {
        "service": service,
        "release": release,
        "python": "3.13",
        "platform": "x86_64",
        "module": f"{service}.service",
        "wheels": [{"file": wheel.name, "sha256": sha256(wheel), "size": 2**20}],
    }
    code = f"class S:\n    name = '{service}_service'\n"
    (folder / "contract.json").write_text(as_text(extract({"s.py": code.encode()}, "s")))
    manifest["contract_sha256"] = sha256(folder / "contract.json")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "requirements.txt").write_text(f"fleet-{service}=={release} --hash=sha256:{sha256(wheel)}\n")
    return wheel


def problems(facts):
    """What pre-flight says of a fleet without a record whose services are all to roll, unless the facts say more."""
    services, core = facts["services"], facts["groups"].get("core", [])
    unless = {"rolls": list(services or []), "record_answers": dict.fromkeys(core, NO_RECORD)}
    return [f"{one['problem']} {one['remedy']}" for one in preflight.problems({**unless, **facts})]
