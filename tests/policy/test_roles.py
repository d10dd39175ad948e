"""Roles say what they take, take nothing else, and know neither the inventory nor the catalogue nor the lab."""

import re

import pytest

from fleet.paths import ROOT
from tests.policy.repository import PLAYBOOKS, ROLES, load, task_files, tasks

JINJA = re.compile(r"\{[{%](.*?)[%}]\}", re.DOTALL)
CONDITIONS = ("when", "until", "failed_when", "changed_when", "that")
INVENTORY = re.compile(r"\b(groups|catalogue|services|secrets|vip)\b(?!['\"])")
STRINGS = re.compile(r"'[^']*'|\"[^\"]*\"")

each_role = pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)


def specs(role):
    """Entry point to its options."""
    found = load(role / "meta" / "argument_specs.yml")["argument_specs"]
    return {name: spec.get("options", {}) for name, spec in found.items()}


def expressions(value):
    """Every Jinja expression in a task file's or template's content."""
    if isinstance(value, str):
        return JINJA.findall(value)
    if isinstance(value, list):
        return [one for item in value for one in expressions(item)]
    if isinstance(value, dict):
        own = [item for key in CONDITIONS for item in _list(value.get(key))]
        return [*map(str, own), *(one for item in value.values() for one in expressions(item))]
    return []


def _list(value):
    return value if isinstance(value, list) else [] if value is None else [value]


@each_role
def test_what_has_a_default_is_an_option_with_the_same_default(role):
    defaults = load(role / "defaults" / "main.yml", {})
    options = {name: option for entry in specs(role).values() for name, option in entry.items()}

    assert {name: option["default"] for name, option in options.items() if "default" in option} == defaults
    for name, option in options.items():
        assert ("default" in option) != option.get("required", False), name


@each_role
def test_every_option_bears_the_roles_name_and_is_explained(role):
    for entry, options in specs(role).items():
        for name, option in options.items():
            assert name.startswith(f"{role.name}_"), f"{entry}: {name}"
            assert option.get("description"), f"{entry}: {name}"
            assert "type" in option, f"{entry}: {name}"


@each_role
def test_passwords_stay_out_of_logs(role):
    for entry, options in specs(role).items():
        for name, option in options.items():
            if re.search(r"password|cookie|secret", name):
                assert option.get("no_log"), f"{entry}: {name}"


@each_role
def test_a_role_has_no_knowledge_of_inventory_catalogue_or_lab(role):
    for path in sorted(role.rglob("*")):
        if path.suffix == ".yml" and path.parent.name in ("tasks", "vars", "defaults", "handlers"):
            found = expressions(load(path))
        elif path.suffix == ".j2":
            found = JINJA.findall(path.read_text("utf-8"))
        else:
            continue
        for expression in found:
            assert not INVENTORY.search(STRINGS.sub("", expression)), f"{path}: {expression}"
        assert "nspawn" not in path.read_text("utf-8"), path


def named(entry):
    """The entry points that `tasks_from` can be: one, or those that are passed to whom calls it as a variable."""
    if entry != "{{ phase }}":
        return {entry}
    passed = [task.get("vars", {}) for path in task_files() for task in tasks(load(path))]
    return {one["phase"] for one in passed if "phase" in one}


@pytest.mark.parametrize("path", task_files(), ids=lambda path: f"{path.parents[1].name}/{path.name}")
def test_each_entry_point_that_is_called_has_an_argument_spec(path):
    # Ansible checks `tasks_from: X` against the spec named X, and against nothing where there is none.
    by_name = {role.name: specs(role) for role in ROLES}
    for task in tasks(load(path)):
        call = task.get("ansible.builtin.include_role") or task.get("ansible.builtin.import_role")
        if call:
            assert named(call.get("tasks_from", "main")) <= set(by_name[call["name"]]), task["name"]


@each_role
def test_main_tells_what_a_role_does_on_one_screen(role):
    lines = (role / "tasks" / "main.yml").read_text("utf-8").splitlines()

    assert len(lines) <= 100


def test_there_are_roles_and_playbooks_to_judge():
    assert ROLES
    assert PLAYBOOKS


def test_a_roll_gives_each_step_what_it_takes():
    given = set(load(ROOT / "playbooks" / "vars" / "service.yml"))
    steps = specs(ROOT / "roles" / "nameko_service")
    for step in ("stage", "surge", "admit", "drain", "retire"):
        assert given <= set(steps[step]), step
        assert {name for name, option in steps[step].items() if option.get("required")} <= given, step
