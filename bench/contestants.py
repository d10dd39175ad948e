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


_FASTSTREAM = (
    "persistent, a confirm awaited for each, many at a time; acknowledged after the reply's confirm; prefetch 100"
)
_CELERY = (
    "persistent, a confirm awaited for each; acknowledged after the result's confirm; a reply queue for each thread of "
    "the gateway; as many threads there, and in the worker, as this project has workers"
)


@dataclass(frozen=True)
class Contestant:
    """Who takes part, and in words how it does its work."""

    name: str
    title: str
    kind: str  # ours, stock, or one of those below that have uvicorn as their gateway
    queues: str | None  # the default queue type of its own virtual host; None without a broker
    messages: str = "none"
    redis: str = _PLAIN  # what its GET and its POST do there


_CELERY_WORKER = [
    *["celery", "--app", "celery_airports", "worker", "--loglevel", "WARNING"],
    # https://docs.celeryq.dev/en/stable/userguide/concurrency/ has gevent and threads for tasks that wait. Of the two
    # threads answered more here, 1.2 to 2.5 times as many, by turns on one machine; how many made no difference.
    *["--pool", "threads"],
    # Nobody else is there to gossip with.
    *["--without-gossip", "--without-mingle", "--without-heartbeat"],
]
# Kind to the gateway's module and the service's command.
_PEERS = {
    "aiopika": ("rabbit_gateway", ["python", "rabbit_airports.py"]),
    "faststream": ("faststream_gateway", ["python", "faststream_airports.py"]),
    "faststream-request": ("faststream_request_gateway", ["python", "faststream_airports.py"]),
    "celery": ("celery_gateway", _CELERY_WORKER),
    "grpc": ("grpc_gateway", ["python", "grpc_airports.py"]),
}

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
    Contestant(
        "faststream-quorum",
        "FastStream + FastAPI, quorum queues",
        "faststream",
        "quorum",
        f"{_FASTSTREAM}; exclusive reply queue",
    ),
    Contestant(
        "faststream-request",
        "FastStream with broker.request",
        "faststream-request",
        "quorum",
        f"{_FASTSTREAM}; direct reply-to, one call at a time",
    ),
    Contestant("celery-quorum", "Celery + FastAPI, quorum queues", "celery", "quorum", _CELERY),
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
    # The same pools as ours have, where there are pools.
    environments = {
        part: {**environment, "WORKERS": str(workers[service]["workers"])} for part, service in PARTS.items()
    }
    if contestant.kind == "stock":
        nameko = [site.peer_program("nameko"), "run", "--config", "config.yml"]
        return {
            part: Process([*nameko, service], environments[part], f"{site.peers}/stock")
            for part, service in PARTS.items()
        }
    gateway, (program, *arguments) = _PEERS[contestant.kind]
    if contestant.kind == "celery":
        arguments += ["--concurrency", environments["service"]["WORKERS"]]
    host, port = environment["ADDRESS"].split(":")
    # uvicorn's documentation, "Deployment" and "Settings": uvloop and httptools, no access log.
    uvicorn = [site.peer_program("uvicorn"), f"{gateway}:app", "--host", host, "--port", port]
    uvicorn += ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    commands = {"gateway": uvicorn, "service": [site.peer_program(program), *arguments]}
    return {part: Process(command, environments[part], f"{site.peers}/aio") for part, command in commands.items()}


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
