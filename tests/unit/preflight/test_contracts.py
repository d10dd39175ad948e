"""Whether pre-flight lets a release start beside what runs."""

import json
import shutil
from pathlib import Path

import pytest

from fleet.contract import as_text, extract
from fleet.release.wheelhouse import sha256
from tests.unit.preflight.fleets import problems, write_release

METHOD = "class S:\n    name = 'airports_service'\n    @rpc\n    def {}(self): ...\n"


@pytest.fixture
def incompatible(facts):
    """The fleet whose airports 1.0.0 have a method that 2.0.0 lacks; where the releases are."""
    releases = Path(facts["releases_dir"])
    for release, method in (("1.0.0", "get"), ("2.0.0", "put")):
        if release != "1.0.0":
            write_release(releases, "airports", release)
        folder = releases / f"airports-{release}"
        code = f"from nameko.rpc import rpc\n{METHOD.format(method)}"
        (folder / "contract.json").write_text(as_text(extract({"s.py": code.encode()}, "s")))
        described = json.loads((folder / "manifest.json").read_text())
        described["contract_sha256"] = sha256(folder / "contract.json")
        (folder / "manifest.json").write_text(json.dumps(described))
    facts["services"]["airports"]["release"] = "2.0.0"
    one = {"service": "airports", "release": "1.0.0", "slot": "a", "number": 1, "port": 8140}
    for name in facts["groups"]["app"]:
        facts["hosts"][name]["instances"] = [one]
    return facts


def test_a_release_that_breaks_what_runs_is_refused_until_the_break_is_allowed_by_name(incompatible):
    assert problems(incompatible) == [
        (
            "Beside airports 1.0.0 on app1, app2: The method get is gone. Keep get in this release; take it out in a"
            " later one, when no running caller uses it. To deploy all the same, type it with"
            " `-e allow_incompatible=airports_service.get:removed`."
        )
    ]
    incompatible["allow_incompatible"] = ["airports_service.get:removed"]
    assert problems(incompatible) == []


def test_a_skipped_host_that_answers_still_serves_what_it_has(incompatible):
    incompatible["hosts"]["app1"]["instances"] = []
    incompatible["skip"] = ["app2"]

    (problem,) = problems(incompatible)

    assert problem.startswith("Beside airports 1.0.0 on app2: ")


def test_a_running_release_that_is_not_here_is_told_with_where_to_get_it(incompatible):
    shutil.rmtree(Path(incompatible["releases_dir"]) / "airports-1.0.0")

    (problem,) = problems(incompatible)

    assert problem == (
        "airports 1.0.0 runs on app1, app2 and is not in dist/releases, so nobody can tell what its callers rely on."
        " Copy dist/releases/airports-1.0.0 here from where it was built. To deploy all the same, type it with"
        " `-e allow_incompatible=airports:unknown-1.0.0`."
    )


def test_what_goes_back_by_an_abort_asks_no_contract(incompatible):
    assert problems({**incompatible, "kind": "abort"}) == []
