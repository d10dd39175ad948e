"""Who is compared: a gateway and an airports service each, one process of either."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from fleet import catalogue, translate
from fleet.paths import CATALOGUE

PARTS = {"gateway": "gateway", "service": "airports"}  # part of the measurement to our service's name


_PLAIN = "GET; SET and WAIT in one pipeline"
_NAMEKO = (
    "persistent, a confirm awaited for each; acknowledged after the reply; durable reply queue; as many "
    "workers as this project's"
)
_AIOPIKA = (
    "persistent, a confirm awaited for each, many at a time; acknowledged after the reply's confirm; exclusive reply "
    "queue; robust connection; prefetch 100"
)


@dataclass(frozen=True)
class Contestant:
    """Who takes part, and in words how it does its work."""

    name: str
    title: str
    kind: str  # ours, stock, aiopika, grpc
    queues: str | None  # the default queue type of its own virtual host; None without a broker
    messages: str = "none"
    redis: str = _PLAIN  # what its GET and its POST do there


OURS = Contestant(
    "ours",
    "this project",
    "ours",
    "quorum",
    "as deployed",
    "as deployed: GET; a script (SET, index, what makes a repeat harmless) and WAIT, one for all that come together",
)
CONTESTANTS = (
    OURS,
    Contestant("stock-quorum", "stock Nameko, quorum queues", "stock", "quorum", _NAMEKO),
    Contestant("stock-classic", "stock Nameko, classic queues", "stock", "classic", _NAMEKO),
    Contestant("aiopika-quorum", "aio-pika + FastAPI, quorum queues", "aiopika", "quorum", _AIOPIKA),
    Contestant("aiopika-classic", "aio-pika + FastAPI, classic queues", "aiopika", "classic", _AIOPIKA),
    Contestant("grpc", "gRPC + FastAPI, no broker", "grpc", None),
)


@dataclass(frozen=True)
class Process:
    """One process to start. What is secret stands in its environment or its files, never in its command."""

    command: list[str]
    environment: dict[str, str]
    folder: str
    files: dict[str, str] = field(default_factory=dict)  # path to content
    supervised: bool = False  # as deployed: under a supervisor that keeps its log


def processes(contestant: Contestant, site) -> dict[str, Process]:
    """The processes of a contestant by part, for the site where they run."""
    if contestant.kind == "ours":
        return {part: _ours(contestant, part, site) for part in PARTS}
    workers = catalogue.complete(catalogue.load(CATALOGUE))
    environment = {
        "ADDRESS": site.address(contestant, "gateway"),
        "GRPC_ADDRESS": site.address(contestant, "service"),
        "AMQP_URI": site.amqp_uri(contestant) if contestant.queues else "",
        "REDIS_URI": site.redis_uri,
        "REDIS_REPLICAS": str(site.replicas),
    }
    if contestant.kind == "stock":
        folder = f"{site.peers}/stock"
        return {
            part: Process(
                [site.peer_program("nameko"), "run", "--config", "config.yml", service],
                # The same pools as ours have.
                {**environment, "WORKERS": str(workers[service]["workers"])},
                folder,
            )
            for part, service in PARTS.items()
        }
    stem = "rabbit" if contestant.kind == "aiopika" else "grpc"
    host, port = environment["ADDRESS"].split(":")
    # uvicorn's documentation, "Deployment" and "Settings": uvloop and httptools, no access log.
    uvicorn = [site.peer_program("uvicorn"), f"{stem}_gateway:app", "--host", host, "--port", port]
    uvicorn += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    folder = f"{site.peers}/aio"
    return {
        "gateway": Process(uvicorn, environment, folder),
        "service": Process([site.peer_program("python"), f"{stem}_airports.py"], environment, folder),
    }


def _ours(contestant: Contestant, part: str, site) -> Process:
    """Our service with the configuration that the catalogue gives it, but for the bench's users and addresses."""
    service = PARTS[part]
    entry = catalogue.complete(catalogue.load(CATALOGUE))[service]
    secrets = {"services": {service: dict.fromkeys(["rabbitmq_password", "redis_password", *entry["secrets"]], "")}}
    config = translate.service_config(service, entry, secrets, site.replicas)
    config |= {
        "AMQP_URI": site.amqp_uri(contestant),
        "WEB_SERVER_ADDRESS": site.address(contestant, part),
        "INSTANCE": {"id": f"bench-{service}", "service": service, "release": entry["release"]},
        "REDIS_URIS": {"redis": site.redis_uri},
        "REDIS_REPLICAS": site.replicas,
    }
    path = f"{site.folder}/{contestant.name}-{part}.yml"
    command, environment = site.own_nameko(service, entry["release"])
    return Process(
        [*command, "run", "--config", path, f"{service}.service"],
        {**environment, "PYTHONUNBUFFERED": "1"},
        site.folder,
        {path: json.dumps(config)},  # which is YAML, too
        supervised=True,
    )
