"""What the module fleet_record makes of one host's files."""

import importlib.util
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fleet.paths import ROOT


@pytest.fixture(scope="module")
def module():
    spec = importlib.util.spec_from_file_location("fleet_record", ROOT / "plugins" / "modules" / "fleet_record.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "record"


@pytest.fixture
def ask(module, folder):
    """`ask(state, **options)` is the module's result on a host that has nothing at first."""

    def call(state="read", *, check=False, **options):
        defaults = {"document": None, "public": None, "lock": None, "replacing": [], "token": None, "any": False}
        return module.result(folder, {"state": state, "until": None, **defaults, **options}, check=check)

    return call


def write(version, **changed):
    return {"document": {"version": version, **changed}, "public": {"version": version, "services": {}}}


def lock(token, **changed):
    return {"token": token, "until": 100, **changed}


def found(result):
    return {key: result[key] for key in ("record", "lock", "done")}


def test_a_new_host_has_nothing_and_reading_leaves_it_so(ask, folder):
    result = ask()
    assert found(result) == {"record": None, "lock": None, "done": True}
    assert not result["changed"]
    assert not folder.exists()


def test_what_is_written_is_there_for_everybody_to_read(ask, folder):
    assert ask("write", **write(1))["changed"]
    assert found(ask()) == {"record": {"version": 1}, "lock": None, "done": True}
    assert json.loads((folder / "public.json").read_text()) == {"version": 1, "services": {}}
    assert {path.stat().st_mode & 0o777 for path in folder.glob("*.json")} == {0o644}


def test_written_again_it_changes_nothing(ask):
    ask("write", **write(1))
    again = ask("write", **write(1))
    assert (again["changed"], again["done"]) == (False, True)


@pytest.mark.parametrize("other", [write(2, by="another"), write(1)])
def test_an_older_or_another_record_of_that_version_is_refused(ask, other):
    ask("write", **write(2))
    refused = ask("write", **other)
    assert found(refused) == {"record": {"version": 2}, "lock": None, "done": False}
    assert not refused["changed"]
    assert ask()["record"] == {"version": 2}


def test_a_write_that_was_cut_off_is_completed(ask, folder):
    ask("write", **write(1))
    (folder / "public.json").unlink()
    (folder / ".record.json.new").write_text("{")
    assert ask("write", **write(1))["changed"]
    assert ask()["public"] == {"version": 1, "services": {}}


@pytest.mark.parametrize("content", ["", "[]", '{"no": "version"}', '{"version": "1"}', "\xff"])
def test_a_corrupt_record_is_told_in_a_sentence_and_can_be_replaced(ask, folder, content):
    ask("write", **write(9))
    (folder / "record.json").write_text(content, "latin-1")
    result = ask()
    assert result["record"] is None
    assert result["broken"].startswith(f"{folder}/record.json is corrupt: ")
    assert result["broken_parts"] == ["record"]
    healed = ask("write", **write(8))
    assert (healed["record"], healed["broken"], healed["done"]) == ({"version": 8}, "", True)


def test_a_free_lock_is_taken_and_one_that_is_held_is_not(ask):
    assert ask("lock", lock=lock("a"))["done"]
    refused = ask("lock", lock=lock("b"))
    assert found(refused) == {"record": None, "lock": lock("a"), "done": False}
    assert not refused["changed"]


def test_ones_own_lock_is_taken_already(ask):
    ask("lock", lock=lock("a"))
    again = ask("lock", lock=lock("a"))
    assert (again["done"], again["changed"]) == (True, False)


def test_a_stale_lock_is_taken_over_by_the_first_alone(ask):
    ask("lock", lock=lock("dead"))
    assert ask("lock", lock=lock("a"), replacing=["dead"])["lock"] == lock("a")
    assert not ask("lock", lock=lock("b"), replacing=["dead"])["done"]


def test_only_its_holder_frees_a_lock_unless_it_is_freed_for_all(ask):
    ask("lock", lock=lock("a"))
    kept = ask("unlock", token="b")
    assert (kept["lock"], kept["changed"]) == (lock("a"), False)
    assert ask("unlock", token="a")["lock"] is None
    ask("lock", lock=lock("a"))
    assert ask("unlock", any=True)["lock"] is None


def test_a_corrupt_lock_is_nobodys_to_take_but_can_be_freed(ask, folder):
    ask("lock", lock=lock("a"))
    (folder / "lock.json").write_text("{")
    refused = ask("lock", lock=lock("b"), replacing=["a"])
    assert (refused["done"], refused["broken_parts"]) == (False, ["lock"])
    assert ask("unlock", any=True)["broken"] == ""
    assert ask("lock", lock=lock("b"))["done"]


def test_check_mode_tells_what_would_be_and_does_nothing(ask, folder):
    would = ask("lock", lock=lock("a"), check=True)
    assert (would["lock"], would["done"], would["changed"]) == (lock("a"), True, True)
    assert not folder.exists()
    ask("write", **write(1))
    assert ask("write", **write(2), check=True)["record"] == {"version": 2}
    assert ask()["record"] == {"version": 1}


def test_of_many_that_want_it_at_once_one_gets_it(ask):
    start = threading.Barrier(8)

    def take(token):
        start.wait()
        return ask("lock", lock=lock(token))["done"]

    # Threads do: the kernel tells apart who has opened the file.
    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(take, "abcdefgh")) == [False] * 7 + [True]
