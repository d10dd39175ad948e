"""Renders the roles' templates as Ansible does, in this process: no host, no daemon, no playbook."""

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar, trust_as_template

from fleet.paths import ROOT

ROLES = ROOT / "roles"


class Renderer:
    """Renders templates of roles with the roles' own defaults and variables."""

    def __init__(self):
        init_plugin_loader()
        self._loader = DataLoader()

    def __call__(self, template, host, **arguments):
        """The text of `role/name.j2` on a host, with the arguments that a play would pass."""
        role, _, name = template.partition("/")
        variables = {"ansible_managed": "Ansible managed", "inventory_hostname": host, **self._of(role), **arguments}
        folder = ROLES / role / "templates"
        # As the template module has it.
        templar = Templar(loader=self._loader, variables=variables).copy_with_new_env(searchpath=[str(folder)])
        return templar.template(
            trust_as_template((folder / name).read_text()),
            overrides={"trim_blocks": True, "keep_trailing_newline": True},
        )

    def _of(self, role):
        found = {}
        for part in ("defaults", "vars"):
            path = ROLES / role / part / "main.yml"
            if path.is_file():
                found |= self._loader.load_from_file(str(path), trusted_as_template=True)
        return found


@pytest.fixture(scope="session")
def render():
    """`render("role/name.j2", host, **arguments)` gives the file's text on that host."""
    return Renderer()
