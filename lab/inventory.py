"""Which hosts there are: read from an Ansible inventory in YAML."""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from lab.errors import UsageError
from lab.paths import REPOSITORY

# The machine's end of a host's link is `vb-HOST`, and Linux allows 15 characters there.
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?")
SIZE = re.compile(r"[1-9][0-9]*[MG]")
SETTINGS = Path("group_vars/lab/lab.yml")


@dataclass(frozen=True)
class Inventory:
    """The hosts of one inventory file, name to address, and what they share."""

    path: Path
    hosts: dict[str, str]
    subnet: ipaddress.IPv4Network
    disk: str

    @property
    def gateway(self):
        """The machine's own address in the lab: the first of the subnet."""
        return self.subnet.network_address + 1

    def select(self, names):
        """The named hosts, each once, or all of them when none is named; refuses unknown names."""
        unknown = [name for name in names if name not in self.hosts]
        if unknown:
            raise UsageError(f"{self.path} has no host {', '.join(unknown)}: name one of {', '.join(self.hosts)}.")
        return list(dict.fromkeys(names)) or list(self.hosts)


def load(path):
    """Read the inventory file at `path`, and the lab's settings beside it (the project's own if none)."""
    path = Path(path)
    groups = _yaml(path)
    subnet, disk = _settings(path)
    hosts = {}
    for name, variables in _walk(path, groups):
        if address := variables.get("ansible_host"):
            _add(path, hosts, str(name), str(address), subnet)
    if not hosts:
        raise UsageError(f"{path} names no host with an ansible_host: give each host its address there.")
    return Inventory(path, hosts, subnet, disk)


def _yaml(path):
    try:
        data = yaml.safe_load(path.read_text())
    except OSError as error:
        raise UsageError(
            f"{path} can't be read ({error.strerror}): name an inventory file with --inventory."
        ) from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(data, dict):
        raise UsageError(f"{path} holds no mapping: it must map names to values, as inventory/lab.yml does.")
    return data


def _settings(path):
    beside = path.parent / SETTINGS
    file = beside if beside.exists() else REPOSITORY / "inventory" / SETTINGS
    data = _yaml(file)
    try:
        subnet = ipaddress.IPv4Network(data.get("lab_subnet"))
    except ValueError as error:
        raise UsageError(f"lab_subnet in {file} must be an IPv4 network such as 10.77.0.0/24.") from error
    disk = str(data.get("lab_disk"))
    if not SIZE.fullmatch(disk):
        raise UsageError(f"lab_disk in {file} must be a size such as 3G or 800M, not {disk}.")
    return subnet, disk


def _walk(path, groups):
    """Every (host, variables) of `groups` and of their children."""
    for name, group in groups.items():
        group = _mapping(path, group, f"group {name}")
        for host, variables in _mapping(path, group.get("hosts"), f"the hosts of {name}").items():
            yield host, _mapping(path, variables, f"the variables of {host}")
        yield from _walk(path, _mapping(path, group.get("children"), f"the children of {name}"))


def _mapping(path, value, what):
    if not isinstance(value, (dict, type(None))):
        raise UsageError(f"{path}: {what} must be a mapping, as in inventory/lab.yml.")
    return value or {}


def _add(path, hosts, name, address, subnet):
    if not NAME.fullmatch(name):
        raise UsageError(f"{path}: host {name} needs another name for the lab: at most 12 of a-z, 0-9 and hyphens.")
    try:
        inside = ipaddress.IPv4Address(address) in list(subnet.hosts())[1:]
    except ValueError:
        inside = False
    if not inside:
        raise UsageError(
            f"{path}: {name} has address {address}, which must be one of {subnet} after the machine's own, "
            f"{subnet.network_address + 1}."
        )
    if hosts.get(name, address) != address:
        raise UsageError(f"{path}: {name} has two addresses, {hosts[name]} and {address}: keep one.")
    if address in (other for host, other in hosts.items() if host != name):
        raise UsageError(f"{path}: {address} belongs to two hosts: give {name} another one of {subnet}.")
    hosts[name] = address
