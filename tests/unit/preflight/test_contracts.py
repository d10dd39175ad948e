"""Whether pre-flight lets a release start beside what runs."""

import json
import shutil
from pathlib import Path

import pytest

from fleet import preflight
from fleet.contract import as_text, extract
from fleet.release.wheelhouse import sha256
from tests.unit.preflight.fleets import problems, write_release

METHOD = "class S:\n    name = 'airports_service'\n    @rpc\n    def {}(self): ...\n"


def _give_contract(folder, code):
    (folder / "contract.json").write_text(as_text(extract({"s.py": code.encode()}, "s")))
    described = json.loads((folder / "manifest.json").read_text())
    described["contract_sha256"] = sha256(folder / "contract.json")
    (folder / "manifest.json").write_text(json.dumps(described))


@pytest.fixture
def incompatible(facts):
    """The fleet whose airports 1.0.0 have a method that 2.0.0 lacks; where the releases are."""
    releases = Path(facts["releases_dir"])
    for release, method in (("1.0.0", "get"), ("2.0.0", "put")):
        if release != "1.0.0":
            write_release(releases, "airports", release)
        _give_contract(releases / f"airports-{release}", f"from nameko.rpc import rpc\n{METHOD.format(method)}")
    facts["services"]["airports"]["release"] = "2.0.0"
    one = {"service": "airports", "release": "1.0.0", "slot": "a", "number": 1, "port": 8140}
    for name in facts["groups"]["app"]:
        facts["hosts"][name]["instances"] = [one]
    return facts


def test_a_release_that_breaks_what_runs_is_refused_until_the_break_is_allowed_by_name(incompatible):
    assert problems(incompatible) == [
        (
            "Beside airports 1.0.0 on app1, app2: The method get is gone. No service that runs is known to call it. If"
            " no script does either, this is the step that takes it out; else keep it in this release. To deploy all"
            " the same, type it with"
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
        "airports 1.0.0 runs on app1, app2, and nobody can tell what its callers rely on:"
        f" {incompatible['releases_dir']}/airports-1.0.0 is not there."
        " Copy dist/releases/airports-1.0.0 here from where it was built. To deploy all the same, type it with"
        " `-e allow_incompatible=airports:unknown-1.0.0`."
    )


def test_what_goes_back_by_an_abort_asks_no_contract(incompatible):
    assert problems({**incompatible, "kind": "abort"}) == []


def test_a_release_whose_contract_this_clone_can_not_read_is_held_against_nothing_unless_that_is_meant(incompatible):
    folder = Path(incompatible["releases_dir"]) / "airports-2.0.0"
    described, manifest = (json.loads((folder / name).read_text()) for name in ("contract.json", "manifest.json"))
    (folder / "contract.json").write_text(json.dumps({**described, "format": 2}))
    manifest["contract_sha256"] = sha256(folder / "contract.json")
    (folder / "manifest.json").write_text(json.dumps(manifest))

    (problem,) = problems(incompatible)

    assert problem.startswith("What airports 2.0.0 promises can't be held against what runs: ")
    assert "bring the clone up to date" in problem
    assert problems({**incompatible, "allow_incompatible": ["airports:unreadable"]}) == []


def test_what_is_let_through_is_what_breaks_and_not_what_was_typed(incompatible):
    incompatible["allow_incompatible"] = ["airports_service.get:removed", "typo:never"]

    (one,) = preflight.allowed_breaks({**incompatible, "rolls": ["airports"], "kind": "rollout"})

    assert preflight.allowed_breaks({**incompatible, "services": None}) == []
    assert one["id"] == "airports_service.get:removed"
    assert "The method get is gone" in one["problem"]


@pytest.fixture
def needing(facts):
    """The fleet whose new greeting calls what the new airports alone have: both roll, from 1.0.0 to 2.0.0."""
    code = {
        "airports": METHOD.format("get") + "    @rpc\n    def more(self): ...\n",
        "greeting": (
            "class S:\n    name = 'greeting_service'\n    a = RpcProxy('airports_service')\n"
            "    @rpc\n    def hello(self): self.a.more()\n"
        ),
    }
    releases, running = Path(facts["releases_dir"]), []
    for number, (service, source) in enumerate(code.items()):
        write_release(releases, service, "2.0.0")
        _give_contract(releases / f"{service}-2.0.0", f"from nameko.rpc import rpc, RpcProxy\n{source}")
        facts["services"][service]["release"] = "2.0.0"
        running.append({"service": service, "release": "1.0.0", "slot": "a", "number": 1, "port": 8120 + 20 * number})
    for name in facts["groups"]["app"]:
        facts["hosts"][name]["instances"] = running
    return facts


def test_a_callee_that_gives_way_before_its_caller_comes_breaks_nothing(needing):
    assert problems(needing) == []


@pytest.mark.parametrize("stays", [{"skip": ["app2"]}, {"canary": "25%"}])
def test_but_one_that_stays_beside_the_new_does(needing, stays):
    (problem,) = problems({**needing, **stays})
    assert "greeting_service calls airports_service.more, which is not there" in problem
