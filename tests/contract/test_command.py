"""`make contract`: two releases, or sources, side by side."""

import json
import zipfile

import pytest

from fleet import paths
from fleet.__main__ import EXIT_INCOMPATIBLE, EXIT_REFUSED, main
from fleet.contract import as_text, places
from tests.contract.sources import contract

IMPORTS = "from nameko.rpc import rpc, RpcProxy\n"
OLD = "class S:\n    name = 'airports_service'\n    @rpc\n    def get(self, id): ...\n"
NEW = OLD.replace("id", "id, deep=False")


def write_source(folder, code):
    (folder / "src" / "airports").mkdir(parents=True)
    (folder / "src" / "airports" / "service.py").write_text(IMPORTS + code)
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "fleet-airports"\nversion = "1.0.0"\n[tool.fleet]\nmodule = "airports.service"\n'
    )
    (folder / "requirements.lock").write_text("")
    return str(folder)


def write_release(releases, release, code=None, **more):
    """A release with a contract, or with code in a wheel as those had that were built before there were contracts."""
    folder = releases / f"airports-{release}"
    (folder / "wheels").mkdir(parents=True)
    wheel = f"fleet_airports-{release}-py3-none-any.whl"
    manifest = {"service": "airports", "release": release, "module": "airports.service", "wheels": [{"file": wheel}]}
    (folder / "manifest.json").write_text(json.dumps({**manifest, **more}))
    with zipfile.ZipFile(folder / "wheels" / wheel, "w") as archive:
        archive.writestr("airports/service.py", IMPORTS + code)
    return folder


@pytest.fixture
def releases(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "RELEASES", tmp_path / "releases")
    return tmp_path / "releases"


def answer(capsys, *arguments):
    status = main(["contract", *arguments])
    out, err = capsys.readouterr()
    return status, out or err


@pytest.mark.usefixtures("releases")
def test_compatible_sources_are_said_to_be(tmp_path, capsys):
    old, new = write_source(tmp_path / "old", OLD), write_source(tmp_path / "new", NEW)

    assert answer(capsys, old, new) == (0, f"{old} -> {new}: compatible\n")


def test_a_break_is_told_with_its_id_and_its_remedy_and_what_is_not_compared_too(releases, tmp_path, capsys):
    write_release(releases, "1.0.0", NEW)
    new = write_source(tmp_path / "new", OLD + "    t = RpcProxy('t')\n    def m(self): helper(self.t)\n")

    status, told = answer(capsys, "airports-1.0.0", new)

    assert status == EXIT_INCOMPATIBLE
    assert told == (
        f"airports-1.0.0 -> {new}: incompatible, 1 reason(s)\n"
        "\n"
        "airports_service.get.deep:removed\n"
        "    The parameter deep of airports_service.get is gone.\n"
        "    Keep deep in this release; take it out in a later one, when no running caller uses it.\n"
        "\n"
        "Not compared:\n"
        "    m uses t in a way that can't be followed, so what it calls there is not compared.\n"
    )


def test_a_releases_own_contract_counts(releases):
    folder = write_release(releases, "1.0.0", OLD)
    (folder / "contract.json").write_text(as_text(contract("def put(self): ...")))

    assert list(places.of_release(folder)["methods"]) == ["put"]


def test_a_contract_of_another_format_is_refused(releases, capsys):
    folder = write_release(releases, "1.0.0", OLD)
    (folder / "contract.json").write_text('{"format": 2}')

    status, told = answer(capsys, "airports-1.0.0", "airports-1.0.0")

    assert status == EXIT_REFUSED
    assert "has not the format 1, which this clone reads: bring the clone up to date." in told


def test_a_mistyped_release_is_answered_with_the_valid_ones(releases, capsys):
    write_release(releases, "1.0.0", OLD)

    assert answer(capsys, "airport-1.0.0", "airports-1.0.0") == (
        EXIT_REFUSED,
        (
            "'airport-1.0.0' is neither a built release nor the folder of a service's source: type `make contract"
            " OLD=airports-1.0.0 NEW=services/airports` (did you mean airports-1.0.0? valid: airports-1.0.0).\n"
        ),
    )


def test_what_runs_is_known_by_what_was_built_here(releases):
    write_release(releases, "1.0.0", OLD)
    one = {"service": "airports", "release": "1.0.0"}
    other = {"service": "airports", "release": "0.9.0"}

    found = places.running(
        {"app1": {"instances": [one, one, other]}, "app2": {"instances": [one]}, "core1": {}}, releases
    )

    known = {one["release"]: (one["hosts"], one["contract"] and list(one["contract"]["methods"])) for one in found}
    assert known == {"1.0.0": (["app1", "app2"], ["get"]), "0.9.0": (["app1"], None)}
