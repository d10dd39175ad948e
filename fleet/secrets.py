"""The passwords of a fleet: which there must be, and generating those that a file lacks."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from secrets import token_hex

import yaml

from fleet.errors import FleetError
from fleet.paths import shown

PLATFORM = {
    "rabbitmq": ["erlang_cookie", "operator_password"],
    "redis": ["admin_password", "monitor_password", "replication_password", "sentinel_password"],
}
LENGTH = 40  # hex digits, so 160 random bits
VAULT_HEADER = "$ANSIBLE_VAULT;"  # begins an encrypted file, or a single encrypted value in a plain one

# The daemons' configuration files hold them as they stand: nothing that any of their syntaxes gives a meaning.
PLAIN = re.compile(r"[A-Za-z0-9_.~-]+")

_HEADER = """\
# The fleet's passwords, made by `make secrets`: keep them to yourself. Delete nothing here while the fleet stands.
"""


def names(services: Mapping[str, Mapping]) -> Iterator[tuple[str, ...]]:
    """The path of each secret that the platform and the catalogue's services need, below `secrets`."""
    for part, keys in PLATFORM.items():
        yield from ((part, key) for key in keys)
    for service, entry in services.items():
        own = ["rabbitmq_password"] + ["redis_password"] * bool(entry.get("redis"))
        yield from (("services", service, key) for key in [*own, *entry.get("secrets", [])])


def _value(secrets: object, path: tuple[str, ...]) -> object:
    for key in path:
        secrets = secrets.get(key) if isinstance(secrets, Mapping) else None
    return secrets


def missing(services: Mapping[str, Mapping], secrets: Mapping) -> list[str]:
    """Names of secrets that have no value, as they are written in YAML paths (`secrets.redis.admin_password`)."""
    return [".".join(("secrets", *path)) for path in names(services) if _value(secrets, path) in (None, "")]


def unusable(services: Mapping[str, Mapping], secrets: Mapping) -> list[str]:
    """Names of the platform's own secrets that would not survive in a configuration file."""
    return [
        ".".join(("secrets", *path))
        for path in names(services)
        if (value := _value(secrets, path)) not in (None, "")
        and not (_free_form(path, services) or (isinstance(value, str) and PLAIN.fullmatch(value)))
    ]


def _free_form(path: tuple[str, ...], services: Mapping[str, Mapping]) -> bool:
    """Whether the value is the service's own affair: it reaches nothing but its configuration, as YAML."""
    return path[0] == "services" and path[-1] in services[path[1]].get("secrets", [])


def fill(path: Path, services: Mapping[str, Mapping]) -> list[str]:
    """Add a random value for each secret that the file lacks; nothing that is there changes.

    Returns:
        The names that were added; without any the file is left as it is.

    Raises:
        FleetError: the file is encrypted or isn't one of secrets; it is unchanged.
    """
    content = _read(path, services)
    added = missing(services, content["secrets"])
    if added:
        for name in added:
            *parents, key = name.split(".")
            place = content
            for parent in parents:
                if place.get(parent) is None:
                    place[parent] = {}
                place = place[parent]
            place[key] = token_hex(LENGTH // 2)
        _write(path, _HEADER + yaml.safe_dump(content, sort_keys=True))
    return added


def _read(path: Path, services: Mapping[str, Mapping]) -> dict:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return {"secrets": {}}
    if VAULT_HEADER in text:
        wanted = ", ".join(".".join(name) for name in names(services))
        raise FleetError(
            f"{shown(path)} is encrypted, so only you can complete it: type `ansible-vault edit {shown(path)}`; below"
            f" `secrets` it needs {wanted}."
        )
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        content = None
    parents = {("secrets", *name[:depth]) for name in names(services) for depth in range(1, len(name))}
    right = isinstance(_value(content, ("secrets",)), Mapping)
    if not right or not all(isinstance(_value(content, parent), Mapping | None) for parent in parents):
        raise FleetError(
            f"{shown(path)} is not what `make secrets` writes, a mapping of mappings below `secrets`: correct it, or"
            " move it away to have all passwords made anew."
        )
    return content


def _write(path: Path, text: str) -> None:
    """Replace the file at once, readable by its owner alone from the first byte."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, encoding="utf-8", delete=False) as file:
        try:
            file.write(text)
            file.flush()
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
