"""What the documentation says of commands, arguments and files is what there is."""

import re
import subprocess
import sys
from itertools import groupby

import pytest
import yaml

from fleet.paths import ROOT
from tests.policy.repository import PLAYBOOKS, ROLES, load, tracked_files

README = (ROOT / "README.md").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
DOCUMENTS = [path for path in tracked_files() if path.suffix == ".md"]


def name(path):
    return str(path.relative_to(ROOT))


def section(title):
    """The README's section with this heading."""
    return README.split(f"\n## {title}\n")[1].split("\n## ")[0]


def first_cells(table):
    return re.findall(r"^\| `([^`]+)` ", table, re.MULTILINE)


def rows(options, prefix=""):
    """A table row for each argument, those inside others after them (`users[].name`)."""
    for name, option in options.items():
        inside = f"{prefix}{name}"
        if "default" in option:
            default = f"`{yaml.safe_dump(option['default'], default_flow_style=True).splitlines()[0]}`"
        else:
            default = "required" if option.get("required") else ""
        kind = f"{option['type']} of {option['elements']}" if "elements" in option else option["type"]
        yield f"| `{inside}` | {kind} | {default} | {option['description']} |"
        yield from rows(option.get("options", {}), f"{inside}[]." if kind.startswith("list") else f"{inside}.")


def arguments(role):
    """The section `Arguments` of a role's README; entry points that take the same share a table."""
    specs = load(role / "meta" / "argument_specs.yml")
    parts = ["## Arguments"]
    for _, entries in groupby(specs["argument_specs"].items(), key=lambda entry: entry[1]):
        names, (spec, *_) = zip(*entries, strict=True)
        parts.append(f"{', '.join(f'`{name}`' for name in names)}: {spec['short_description']}.")
        parts.append("\n".join(["| argument | type | default | |", "|---|---|---|---|", *rows(spec["options"])]))
    return "\n\n".join(parts) + "\n"


@pytest.mark.parametrize("role", ROLES, ids=name)
def test_a_roles_readme_has_its_arguments_as_the_spec_says(role):
    is_there = arguments(role) in (role / "README.md").read_text("utf-8")
    assert is_there, f"{name(role)}/README.md must have this section:\n\n{arguments(role)}"


def test_the_readme_names_every_make_target_and_no_other():
    listed = {cell.removeprefix("make ") for cell in first_cells(section("Every make target")) if " " in cell}
    assert listed == TARGETS


def test_the_readme_names_every_playbook_and_no_other():
    assert set(first_cells(section("Every playbook"))) == {path.name for path in PLAYBOOKS}


def test_the_readme_names_every_request_that_the_gateway_answers():
    source = (ROOT / "services/gateway/src/gateway/service.py").read_text("utf-8")
    routes = {(method, re.sub("<.*>", "", path)) for method, path in re.findall(r'@http\("(\w+)", "([^"]+)"', source)}
    documented = set(re.findall(r"`(GET|POST|DELETE|PUT|PATCH) (/[a-z.]+/?)", section("The HTTP API")))
    assert routes <= documented
    assert documented - routes == {("GET", "/health"), ("GET", "/ready")}


def test_the_labs_readme_names_every_verb_and_no_other():
    shown = subprocess.run([sys.executable, "-m", "lab", "--help"], capture_output=True, text=True, check=True)
    verbs = set(re.findall(r"^    ([a-z]+) ", shown.stdout, re.MULTILINE))
    text = (ROOT / "lab" / "README.md").read_text("utf-8")
    assert {cell.split()[0] for cell in first_cells(text.split("\n## ")[0])} == verbs


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_what_a_document_points_at_is_there(document):
    text = document.read_text("utf-8")
    links = [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    missing = [target for target in links if not (document.parent / target.partition("#")[0]).exists()]
    # In code, a command; in a sentence "make" is a word.
    typed = re.findall(r"(?:`|\n    +)make ([a-z][a-z-]*)", text)
    assert not missing
    assert set(typed) <= TARGETS
