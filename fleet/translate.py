"""What the catalogue means for each part of the platform: playbooks pass these to roles, which know no catalogue."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from fleet.instances import SLOT_PORTS, SLOTS, instance

OPERATOR = "operator"  # the RabbitMQ user of `make shell`


def rpc_name(service: str) -> str:
    """The name that the service's class carries, and so its queue (`rpc-greeting_service`)."""
    return f"{service}_service"


def rabbitmq_users(services: Mapping[str, Mapping], secrets: Mapping) -> list[dict]:
    """A user for each service, whose queue names are its own, and the operator's.

    The exchange `nameko-rpc` is shared: every service may declare it, publish to it and bind from it. That is
    where the trust between services begins (README, "Who trusts whom").
    """

    def user(name: str, password: str, own: str, extra_configure: str = "") -> dict:
        return {
            "name": name,
            "password": password,
            "configure": f"^({own}{extra_configure}|nameko-rpc)$",
            "write": f"^({own}|nameko-rpc)$",
            "read": rf"^({own}|nameko-rpc|[a-z0-9_]+\.events)$",
        }

    users = []
    for service in services:
        name = re.escape(rpc_name(service))
        # Its queues: calls, replies, events that it handles (evt-SOURCE-TYPE--NAME.METHOD); its event exchange.
        own = rf"rpc-{name}(\..*)?|rpc\.reply-{name}-.*|evt-.*--{name}[.-].*|{name}\.events"
        # An event handler declares its source's exchange too, should it be there first.
        users.append(user(service, secrets["services"][service]["rabbitmq_password"], own, r"|[a-z0-9_]+\.events"))
    # Nameko names a script's reply queue after its proxy class.
    own = r"rpc\.reply-standalone_rpc_proxy[a-z_]*-.*"
    users.append(user(OPERATOR, secrets["rabbitmq"]["operator_password"], own))
    return users


def redis_users(services: Mapping[str, Mapping], secrets: Mapping) -> list[dict]:
    """A user for each service that uses Redis, with the key patterns that the catalogue gives it."""
    return [
        {"name": service, "password": secrets["services"][service]["redis_password"], **entry["redis"]}
        for service, entry in services.items()
        if entry.get("redis")
    ]


def http_services(services: Mapping[str, Mapping], addresses: Mapping[str, str]) -> list[dict]:
    """Each published service with every place where an instance may be: all hosts, both slots."""
    return [
        {
            "name": service,
            "port": entry["http"]["port"],
            "servers": [
                {
                    "name": f"{host}-{slot}{number}",
                    "address": address,
                    "port": instance(service, entry, slot, number)["port"],
                }
                for host, address in addresses.items()
                for slot in SLOTS
                for number in range(1, entry["instances"] + 1)
            ],
        }
        for service, entry in services.items()
        if entry.get("http")
    ]


def http_timeout(services: Mapping[str, Mapping]) -> int:
    """Seconds that a balancer waits for an answer: a little longer than the longest call behind it."""
    return max((entry["call_timeout"] for entry in services.values() if entry["http"]), default=0) + 2


def logging_config(level: str) -> dict:
    """JSON lines on standard error, which supervisor keeps (logging.config's dictionary schema)."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "chassis.logs.JsonFormatter"}},
        "handlers": {"stderr": {"class": "chassis.logs.BatchHandler", "formatter": "json"}},
        # The call's own line tells of errors that the caller caused.
        "loggers": {"nameko.containers": {"level": "ERROR"}},
        "root": {"level": level, "handlers": ["stderr"]},
    }


def service_config(service: str, entry: Mapping, secrets: Mapping, redis_replicas: int) -> dict:
    """A service's Nameko configuration, but for what differs from instance to instance."""
    own = secrets["services"][service]
    config = {
        "AMQP_URI": f"amqp://{service}:{quote(own['rabbitmq_password'], safe='')}@127.0.0.1:5672/",
        "SERVICE_CONTAINER_CLS": "chassis.container.ServiceContainer",
        "max_workers": entry["workers"],
        "HEARTBEAT": 10,
        "RPC_TIMEOUT": entry["call_timeout"],
        "LOGGING": logging_config(entry["log_level"]),
    }
    if entry.get("redis"):
        config["REDIS_URIS"] = {"redis": f"redis://{service}:{quote(own['redis_password'], safe='')}@127.0.0.1:6379/0"}
        config["REDIS_REPLICAS"] = redis_replicas
    return {**config, **entry["settings"], **named_secrets(service, entry, secrets)}


def named_secrets(service: str, entry: Mapping, secrets: Mapping) -> dict:
    """The values of the secrets that the service's entry names; None for one that is no more, as in a former entry."""
    return {name: secrets["services"][service].get(name) for name in entry["secrets"]}


def _digest(service: str, entry: Mapping, secrets: Mapping) -> str:
    """12 hex digits that change with the named secrets; empty without any.

    Keyed, so that nobody can try values, and with what changes less often than any.
    """
    if not entry["secrets"]:
        return ""
    key = secrets["rabbitmq"]["erlang_cookie"]
    content = json.dumps(named_secrets(service, entry, secrets), sort_keys=True, default=str)
    return hmac.new(key.encode(), content.encode(), hashlib.sha256).hexdigest()[:12]


def _revision(entry: Mapping, config: Mapping, program: str) -> str:
    """12 hex digits that change with the release and with anything that its instances on all hosts run with."""
    # A date, which YAML has and JSON hasn't, is told by its text.
    content = json.dumps([entry["release"], entry["port"], config, program], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def desired_services(
    services: Mapping[str, Mapping],
    secrets: Mapping,
    redis_replicas: int,
    releases_dir: str,
    address: str,
    program: str,
) -> dict[str, dict]:
    """The catalogue with what each service runs with.

    That is its `entry`, `config` (see `service_config`) but for what it names of secrets, these as `own_secrets` with
    their `secrets_digest`, `secrets_kept` (false: see `fleet.rollout.decide.as_kept`), `revision`, `manifest_sha256`
    and `address`.

    The manifest is the one in `releases_dir`, on the controller. `address`, the host's, and `program`, the template of
    supervisor's programs, are what instances run with beside their configuration.
    """
    desired = {}
    for service, entry in services.items():
        config = service_config(service, entry, secrets, redis_replicas)
        manifest = Path(releases_dir) / f"{service}-{entry['release']}" / "manifest.json"
        desired[service] = {
            **entry,
            "entry": entry,
            "config": {name: value for name, value in config.items() if name not in entry["secrets"]},
            "own_secrets": named_secrets(service, entry, secrets),
            "secrets_digest": _digest(service, entry, secrets),
            "secrets_kept": False,
            "address": address,
            "revision": _revision(entry, config, program),
            "manifest_sha256": hashlib.sha256(manifest.read_bytes()).hexdigest(),
        }
    return desired


def service_ports(services: Mapping[str, Mapping]) -> list[str]:
    """The ports on which instances of each service may listen, as ranges (`8100-8119`)."""
    return [f"{entry['port']}-{entry['port'] + len(SLOTS) * SLOT_PORTS - 1}" for entry in services.values()]
