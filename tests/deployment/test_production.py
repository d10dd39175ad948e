"""The production example is ready to copy: only the hosts and the releases are missing. Needs neither."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fleet import catalogue, inventory, paths, secrets

INVENTORIES = paths.ROOT / "inventory"
EXAMPLE = INVENTORIES / "group_vars" / "production" / "secrets.yml.example"


@pytest.fixture
def services():
    return catalogue.complete(catalogue.load(paths.CATALOGUE))


@pytest.fixture
def production(tmp_path, monkeypatch):
    """The inventory of a copy of the example, its passwords made and encrypted as the comments there say."""
    shutil.copytree(INVENTORIES, tmp_path / "inventory", ignore=shutil.ignore_patterns("lab", "secrets.yml"))
    copy = tmp_path / "inventory" / "production.yml"
    shutil.copy(INVENTORIES / "production.example.yml", copy)
    passwords = copy.parent / "group_vars" / "production" / "secrets.yml"
    vault = tmp_path / "vault"
    vault.write_text("a password of the test\n")
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(vault))
    for command in (["-m", "fleet", "secrets", passwords], [_program("ansible-vault"), "encrypt", passwords]):
        subprocess.run([sys.executable, *command], cwd=paths.ROOT, capture_output=True, check=True)
    return copy


def _program(name):
    return Path(sys.executable).with_name(name)


def leaves(tree, path=()):
    for key, value in tree.items():
        yield from leaves(value, (*path, key)) if isinstance(value, dict) else [(*path, key)]


def test_the_example_of_secrets_has_all_that_the_catalogue_demands_and_no_value(services):
    example = yaml.safe_load(EXAMPLE.read_text("utf-8"))["secrets"]

    assert set(leaves(example)) == set(secrets.names(services))
    assert len(secrets.missing(services, example)) == len(list(leaves(example)))


def test_a_copy_of_the_example_lacks_nothing_but_hosts_and_releases(production, playbook, services, tmp_path):
    assert "$ANSIBLE_VAULT;" in (production.parent / "group_vars/production/secrets.yml").read_text()
    hosts = inventory.load(production)
    assert {group: len(hosts.groups[group]) for group in ("core", "app", "edge")} == {"core": 3, "app": 3, "edge": 2}
    assert all((host["ansible_user"], host["ansible_become"]) == ("deploy", True) for host in hosts.hostvars.values())

    # This machine answers for each of the hosts, in words of theirs.
    machine = {"distribution": "Debian", "version": "13", "arch": "x86_64", "python": "3.13"}
    machine |= {"memory_mb": 4096, "memory_free_mb": 3000, "disk_free_mb": 5000, "networks": ["192.0.2.0/24"]}
    instead = {name: {**machine, "interfaces": {host["ansible_host"]: "eth0"}} for name, host in hosts.hostvars.items()}
    given = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
    given |= {"preflight_instead": instead, "releases_dir": str(tmp_path / "releases")}

    run = playbook("preflight.yml", "--extra-vars", json.dumps(given), inventory=production)

    assert f"{len(services)} reason(s) not to begin; nothing was changed." in run.output
    for service, entry in services.items():
        assert f"- The catalogue has {service} {entry['release']}, which is not built" in run.output
