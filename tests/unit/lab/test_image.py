"""The image's package cache knows what the roles install."""

import re

import yaml

from lab import image
from lab.paths import REPOSITORY


def installed_by_roles():
    for file in (REPOSITORY / "roles").glob("*/tasks/*.yml"):
        for task in yaml.safe_load(file.read_text()) or []:
            names = task.get("ansible.builtin.apt", {}).get("name", [])
            # A name in a template is quoted there.
            yield from re.findall(r"'([a-z0-9.+-]+)'", str(names) if isinstance(names, list) else f"'{names}'{names}")


def test_every_package_that_a_role_installs_is_in_the_cache():
    packages = set(installed_by_roles())
    assert "rabbitmq-server" in packages
    cached = set(re.sub(r"\\\n", " ", image.HOOK.read_text()).split())
    assert packages <= cached


def test_another_recipe_is_another_image(monkeypatch):
    monkeypatch.setattr(image, "_apt_settings", lambda: "")
    before = image.recipe()
    assert image.recipe() == before
    monkeypatch.setattr(image, "PACKAGES", image.PACKAGES + ",vim")
    assert image.recipe() != before
