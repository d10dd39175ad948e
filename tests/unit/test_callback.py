"""What the terminal shows of a roll under make."""

import importlib.util
from types import SimpleNamespace

import pytest

from fleet.paths import ROOT


@pytest.fixture
def shown(monkeypatch):
    """Let the callback show a result of a task; gives the lines without their times."""
    spec = importlib.util.spec_from_file_location("fleet_callback", ROOT / "plugins" / "callback" / "fleet.py")
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    callback, lines = loaded.CallbackModule(), []
    monkeypatch.setattr(callback._display, "display", lambda text, **_: lines.append(text.partition("s  ")[2]))

    def show(method, action, **result):
        task = SimpleNamespace(action=action, ignore_errors=False)
        host = SimpleNamespace(get_name=lambda: "localhost")
        getattr(callback, method)(SimpleNamespace(_task=task, _host=host, _result=result))
        return lines

    return show


def test_of_a_decision_that_fails_its_own_sentence_is_all_that_is_shown(shown):
    said = (
        "Task failed: Finalization of task args for 'ansible.builtin.set_fact' failed: Error while resolving value for"
        " 'x': The filter plugin 'roll_targets' failed: nope doesn't run on this fleet: valid: greeting."
    )
    assert shown("v2_runner_on_failed", "ansible.builtin.set_fact", msg=said) == [
        "nope doesn't run on this fleet: valid: greeting."
    ]


def test_what_fails_on_a_host_is_told_with_the_host(shown):
    assert shown("v2_runner_on_failed", "command", msg="no space left") == ["localhost: no space left"]


def test_nothing_to_tell_is_no_empty_line(shown):
    assert shown("v2_runner_on_ok", "ansible.builtin.debug", msg=[]) == []
    assert shown("v2_runner_on_ok", "ansible.builtin.debug", msg=["a", "b"]) == ["a", "b"]
