"""What `python -m fleet` answers an operator."""

import pytest

from fleet import paths
from fleet.__main__ import EXIT_REFUSED, main

SERVICES = "services:\n  greeting: {release: 1.0.0, instances: 1, workers: 1, port: 8120}\n"


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """Paths of a clone with one service and the chassis, without their sources' content."""
    for name in ("greeting", "chassis"):
        (tmp_path / "services" / name).mkdir(parents=True)
        (tmp_path / "services" / name / "pyproject.toml").write_text("")
    (tmp_path / "services.yml").write_text(SERVICES)
    monkeypatch.setattr(paths, "SERVICES", tmp_path / "services")
    monkeypatch.setattr(paths, "CHASSIS", tmp_path / "services" / "chassis")
    monkeypatch.setattr(paths, "CATALOGUE", tmp_path / "services.yml")
    monkeypatch.setattr(paths, "RELEASES", tmp_path / "releases")
    return tmp_path


def refused(capsys, *arguments):
    assert main(list(arguments)) == EXIT_REFUSED
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err.strip()


@pytest.mark.usefixtures("clone")
def test_a_mistyped_service_is_answered_with_the_valid_names(capsys):
    assert refused(capsys, "release", "greting") == (
        "There is no service greting in services/: did you mean greeting? valid: greeting."
    )


@pytest.mark.usefixtures("clone")
def test_no_service_is_answered_with_what_to_type(capsys):
    assert refused(capsys, "release", "") == (
        "Name the service, e.g. `make release SERVICE=greeting` (valid: greeting)."
    )


@pytest.mark.parametrize("name", ["", "Greeting", "to-do"])
def test_a_name_that_no_catalogue_takes_gets_no_release_from_another_source_either(clone, capsys, name):
    message = refused(capsys, "release", name, "--source", str(clone))

    assert message.startswith(f"{name!r} can't name a service: use up to 20 lower-case letters")


def test_a_source_that_does_not_exist_is_named(clone, capsys):
    message = refused(capsys, "release", "greeting", "--source", str(clone / "nowhere"))

    assert message == f"{clone}/nowhere is no source of a service: it has no pyproject.toml."


def test_a_catalogue_that_names_a_release_of_no_source_is_refused(clone, capsys):
    (clone / "services" / "greeting" / "pyproject.toml").unlink()
    (clone / "releases" / "greeting-0.9.0").mkdir(parents=True)
    (clone / "releases" / "greeting-0.9.0" / "manifest.json").write_text("{}")

    assert refused(capsys, "releases") == (
        "The catalogue has greeting 1.0.0, which is not built and not what services/greeting has:"
        " did you mean 0.9.0? valid: 0.9.0."
    )


def test_a_malformed_catalogue_is_refused_by_whatever_reads_it(clone, capsys):
    (clone / "services.yml").write_text(SERVICES.replace("instances", "instance"))

    for arguments in (["check"], ["releases"], ["secrets", str(clone / "secrets.yml")]):
        assert "greeting has the unknown key instance: did you mean instances?" in refused(capsys, *arguments)
    assert not (clone / "secrets.yml").exists()


def test_a_catalogue_that_is_no_yaml_is_named_with_the_line(clone, capsys):
    (clone / "services.yml").write_text(SERVICES + "  broken: [\n")

    assert refused(capsys, "check").startswith(f"The catalogue {clone}/services.yml, line 4 is no valid YAML: ")


@pytest.mark.usefixtures("clone")
def test_a_sound_catalogue_needs_no_word(capsys):
    assert main(["check"]) == 0
    assert capsys.readouterr() == ("", "")


def test_secrets_are_generated_once(clone, capsys):
    path = clone / "secrets.yml"

    assert main(["secrets", str(path)]) == 0
    assert main(["secrets", str(path)]) == 0

    assert capsys.readouterr().err == f"{path}: generated 7 secret(s)\n{path}: nothing is missing\n"


def test_no_secret_is_shown(clone, capsys):
    main(["secrets", str(clone / "secrets.yml")])

    shown = "".join(capsys.readouterr())
    values = [line.split(": ")[1] for line in (clone / "secrets.yml").read_text().splitlines() if "password: " in line]
    assert values
    assert not [value for value in values if value in shown]


def test_the_url_is_all_that_stands_on_standard_output(capsys):
    assert main(["url", "--inventory", str(paths.ROOT / "inventory" / "lab.yml")]) == 0

    assert capsys.readouterr().out == "http://10.77.0.100:8000\n"


def test_an_inventory_that_does_not_exist_is_answered_with_those_that_do(capsys, monkeypatch):
    monkeypatch.chdir(paths.ROOT)

    message = refused(capsys, "url", "--inventory", "inventory/lap.yml")

    assert message.startswith("There is no inventory inventory/lap.yml: name a file with INVENTORY=, valid: inventory/")
    assert "inventory/lab.yml" in message


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("edge:\n  hosts:\n    edge1:\n", "sets no vip: give it an unused address"),
        ("edge: {hosts: {edge1: {vip: 10.0.0.1}}}\n", "No service of the catalogue is published"),
        ("edge: {hosts: {edge1: {vip: 10.0.0.1, services: {g: null}}}}\n", "g must be a mapping of keys"),
        ("edge: {hosts: {edge1: {vip: 10.0.0.1, services: [g]}}}\n", "services must be a mapping of names to what"),
        ("edge: {hosts: {edge1: {vip: 10.0.0.1, services: {g: {http: true}}}}}\n", "g.http must be a mapping with the"),
        ("edge: {hosts: {edge1: {vip: 10.0.0.1, vip: 10.0.0.2}}}\n", "Ansible can't read the inventory"),
        ("core: {hosts: {core1: }}\n", "has no host in the group edge: list one there."),
        ("edge: [\n", "Ansible can't read the inventory"),
    ],
)
def test_an_inventory_that_gives_no_url_is_told_what_lacks(tmp_path, capsys, text, said):
    path = tmp_path / "hosts.yml"
    path.write_text(text)

    assert said in refused(capsys, "url", "--inventory", str(path))


def test_the_url_is_that_of_the_first_http_service_in_the_catalogue(tmp_path, capsys):
    entry = "{{release: 1.0.0, instances: 1, workers: 1, port: {}, http: {{port: {}}}}}"
    catalogue = tmp_path / "group_vars" / "all" / "services.yml"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text(f"services:\n  shop: {entry.format(8100, 8000)}\n  admin_site: {entry.format(8120, 8001)}\n")
    (tmp_path / "hosts.yml").write_text("edge: {hosts: {edge1: {vip: 10.0.0.1}}}\n")

    assert main(["url", "--inventory", str(tmp_path / "hosts.yml")]) == 0

    assert capsys.readouterr().out == "http://10.0.0.1:8000\n"
