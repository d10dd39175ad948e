"""The catalogue of services: what may stand in it, and what is meant where it says nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import yaml
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from fleet.errors import FleetError, suggestion
from fleet.instances import SLOT_PORTS, SLOTS
from fleet.paths import shown
from fleet.release.source import VERSION, VERSION_EXAMPLE

PORTS = len(SLOTS) * SLOT_PORTS  # that belong to each service, from its `port` on

# Ports of the platform's own daemons, which may share a host with services.
PLATFORM_PORTS = {
    22: "SSH",
    4369: "Erlang's port mapper",
    5672: "RabbitMQ",
    6379: "Redis",
    8404: "HAProxy's own check",
    8405: "the fleet's record",
    25672: "RabbitMQ's cluster",
    26379: "Sentinel",
    **dict.fromkeys(range(35672, 35683), "rabbitmqctl"),
}

# Users that RabbitMQ and Redis have already, and the library in services/.
RESERVED_NAMES = {"admin", "chassis", "default", "guest", "monitor", "operator", "replica", "sentinel"}

# Names that the platform itself gives a meaning in a service's configuration.
RESERVED_SETTINGS = {
    "AMQP_URI",
    "HEARTBEAT",
    "INSTANCE",
    "LOGGING",
    "REDIS_REPLICAS",
    "REDIS_URIS",
    "RPC_TIMEOUT",
    "SERVICE_CONTAINER_CLS",
    "WEB_SERVER_ADDRESS",
    "max_workers",
    "rabbitmq_password",
    "redis_password",
}

LOG_LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,19}")  # the host's user fleet-NAME may have 32 characters
_PATTERNS = {
    "type": "array",
    "description": "a list of key patterns",
    "items": {"type": "string", "pattern": r"^\S+$", "description": "text without spaces"},
}

# `description` completes the sentence "NAME must be ...".
_ENTRY = {
    "type": "object",
    "description": "a mapping of keys such as release",
    "additionalProperties": False,
    "required": ["release", "instances", "workers", "port"],
    "properties": {
        "release": {
            "type": "string",
            "pattern": f"^{VERSION.pattern}$",
            "description": f"an exact version as text, such as {VERSION_EXAMPLE} (a number like 1.0 in quotes)",
        },
        "instances": {
            "type": "integer",
            "minimum": 1,
            "maximum": SLOT_PORTS,
            "description": f"a whole number from 1 to {SLOT_PORTS}",
        },
        "workers": {"type": "integer", "minimum": 1, "maximum": 1000, "description": "a whole number from 1 to 1000"},
        "port": {
            "type": "integer",
            "minimum": 1024,
            "maximum": 65536 - PORTS,
            "description": f"a whole number from 1024 to {65536 - PORTS}",
        },
        "http": {
            "type": "object",
            "description": "a mapping with the key port",
            "additionalProperties": False,
            "required": ["port"],
            "properties": {
                "port": {"type": "integer", "minimum": 1, "maximum": 65535, "description": "a port from 1 to 65535"},
            },
        },
        "redis": {
            "type": "object",
            "description": "a mapping with the keys write and read",
            "additionalProperties": False,
            "properties": {"write": _PATTERNS, "read": _PATTERNS},
        },
        "settings": {
            "type": "object",
            "description": "a mapping of names to values",
            "propertyNames": {
                "type": "string",
                "not": {"enum": sorted(RESERVED_SETTINGS)},
                "description": "a mapping whose names are text",
            },
        },
        "secrets": {
            "type": "array",
            "description": "a list of names",
            "items": {
                "type": "string",
                "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
                "not": {"enum": sorted(RESERVED_SETTINGS)},
                "description": "a name of letters, digits and _",
            },
        },
        "call_timeout": {
            "type": "integer",
            "minimum": 1,
            "maximum": 600,
            "description": "a whole number of seconds from 1 to 600",
        },
        "log_level": {"enum": LOG_LEVELS, "description": f"one of {', '.join(LOG_LEVELS)}"},
    },
}
# To JSON Schema 2.0 is a whole number; to whatever counts instances or opens ports it isn't.
_WHOLE = Draft202012Validator.TYPE_CHECKER.redefine(
    "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
)
_VALIDATOR = validators.extend(Draft202012Validator, type_checker=_WHOLE)(_ENTRY)


class _Loader(yaml.SafeLoader):
    """Refuses a key that a mapping has twice, where YAML's own loader silently keeps the last."""

    def compose_mapping_node(self, anchor: str | None) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value} is there twice", problem_mark=key.start_mark)
            seen.add(str(key.value))
        return node


def load(path: Path) -> dict:
    """The services of a catalogue file, as they stand there.

    Raises:
        FleetError: the file can't be read, or isn't YAML with the one key `services`.
    """
    try:
        content = yaml.load(path.read_text("utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise FleetError(f"The catalogue {shown(path)} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        byte = f"{error.object[error.start]:#04x}"
        raise FleetError(
            f"The catalogue {shown(path)}, line {line} has the byte {byte}, which is no UTF-8: save the file as UTF-8."
        ) from None
    except yaml.reader.ReaderError as error:
        character = f"{error.character:#04x}"
        raise FleetError(
            f"The catalogue {shown(path)} has the character {character}, which YAML doesn't allow: delete it."
        ) from None
    except yaml.MarkedYAMLError as error:
        where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise FleetError(f"The catalogue {shown(path)}{where} is no valid YAML: {error.problem}.") from None
    except ValueError as error:  # of a date that there is not
        raise FleetError(f"The catalogue {shown(path)} is no valid YAML: {error}.") from None
    if not isinstance(content, dict) or "services" not in content:
        raise FleetError(f"The catalogue {shown(path)} needs the key `services`, a mapping of names to what is to run.")
    return content["services"]


def problems(services: object, taken: Mapping[int, str] = MappingProxyType({})) -> list[str]:
    """All that is wrong with a catalogue, each in a sentence with the valid values; nothing when it is sound.

    `taken` are further ports that services can't have, each with its owner.
    """
    if not isinstance(services, Mapping):
        return [f"services must be a mapping of names to what is to run, not {services!r}."]
    if not services:
        return ["services names nothing to run, which would end all that runs: give at least one service."]
    found = []
    for name, entry in services.items():
        found += name_problems(name)
        found += [sentence for error in _VALIDATOR.iter_errors(entry) for sentence in _sentences(name, error)]
    # What is compared across entries makes sense only for whole ones.
    taken = {**taken, **PLATFORM_PORTS}
    return found or [*_published_problems(services, taken), *_block_problems(services, taken)]


def complete(services: Mapping[str, Mapping]) -> dict[str, dict]:
    """A sound catalogue with every key: what an entry leaves out gets its default.

    Raises:
        FleetError: it isn't sound; the message has all problems.
    """
    if found := problems(services):
        raise FleetError(" ".join(found))
    return {
        name: {
            "http": None,
            "settings": {},
            "secrets": [],
            "call_timeout": 10,
            "log_level": "INFO",
            **entry,
            "redis": {"write": [], "read": [], **entry["redis"]} if "redis" in entry else None,
        }
        for name, entry in services.items()
    }


def name_problems(name: object) -> Iterator[str]:
    """Why this can't name a service, in a sentence with what can; nothing when it can."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield f"{name!r} can't name a service: use up to 20 lower-case letters, digits and _, the first a letter."
    elif name in RESERVED_NAMES:
        taken = ", ".join(sorted(RESERVED_NAMES))
        yield f"{name} can't name a service, the platform uses it itself: choose one other than {taken}."


def _sentences(name: object, error: ValidationError) -> Iterator[str]:
    where = ".".join(str(part) for part in (name, *error.absolute_path))
    match error.validator:
        case "additionalProperties":
            valid = error.schema["properties"]
            for key in sorted(set(error.instance) - set(valid), key=str):
                yield f"{where} has the unknown key {key}: {suggestion(key, valid)}."
        case "required":
            # jsonschema reports each missing key on its own.
            key = next(key for key in error.validator_value if f"'{key}' is a required" in error.message)
            yield f"{where} lacks {key}: {error.schema['properties'][key]['description']}."
        case "not":
            taken = ", ".join(sorted(RESERVED_SETTINGS))
            yield f"{where} names {error.instance}, which the platform sets itself: choose a name other than {taken}."
        case _:
            yield f"{where} must be {error.schema.get('description', 'text')}, not {error.instance!r}."


def _published_problems(services: Mapping[str, Mapping], taken: Mapping[int, str]) -> Iterator[str]:
    owners = dict(taken)
    for name, entry in services.items():
        if http := entry.get("http"):
            if owner := owners.get(http["port"]):
                yield f"{name}.http.port is {http['port']}, which belongs to {owner}: choose another port."
            owners[http["port"]] = name


def _block_problems(services: Mapping[str, Mapping], taken: Mapping[int, str]) -> Iterator[str]:
    published = {entry["http"]["port"]: f"{name}'s clients" for name, entry in services.items() if entry.get("http")}
    taken = {**taken, **published}
    blocks = sorted((entry["port"], name) for name, entry in services.items())
    for index, (first, name) in enumerate(blocks):
        block = range(first, first + PORTS)
        for other_first, other in blocks[index + 1 :]:
            if other_first in block:
                yield (
                    f"{name}.port is {first} and {other}.port {other_first}, but each has {PORTS} ports from its"
                    f" own on: give {other} one from {first + PORTS} on."
                )
        # Of an owner of many ports the first says enough.
        for owner, port in {
            owner: port for port, owner in sorted(taken.items(), reverse=True) if port in block
        }.items():
            yield f"{name}.port is {first}, but among its {PORTS} ports {port} belongs to {owner}: choose another."
