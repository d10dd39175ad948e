"""Playbooks and their tasks keep the habits that let an operator trust them."""

import pytest

from fleet.paths import ROOT
from tests.policy.repository import PLAYBOOKS, load, task_files, tasks

# A playbook is one verb, or a verb and what it is done to; `site` is Ansible's own word for everything, and `history`
# and `status` are what operators ask for.
VERBS = {"abort", "history", "preflight", "promote", "roll", "rollback", "rollout", "site", "status", "unlock"}

every_file = pytest.mark.parametrize("path", task_files(), ids=lambda path: str(path.relative_to(ROOT)))


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_a_playbooks_name_says_what_it_does(path):
    assert path.stem.split("_")[0] in VERBS
    assert len(path.stem.split("_")) <= 2


@pytest.mark.parametrize("path", PLAYBOOKS, ids=lambda path: path.stem)
def test_a_playbook_gathers_only_the_facts_that_it_names(path):
    for play in load(path):
        if "hosts" in play:
            assert play.get("gather_facts") is False or "gather_subset" in play, play["name"]


@every_file
def test_no_error_is_ignored(path):
    for item in [*(load(path) or []), *tasks(load(path))]:
        assert "ignore_errors" not in item, item.get("name")


@every_file
def test_waiting_is_for_a_condition(path):
    for task in tasks(load(path)):
        assert not {"ansible.builtin.pause", "pause"} & set(task), task["name"]
        wait = task.get("ansible.builtin.wait_for") or {}
        assert set(wait) & {"port", "path", "search_regex"} or not wait, task["name"]


@every_file
def test_what_takes_a_password_keeps_it_out_of_the_log(path):
    # Arguments of roles and modules that are passwords are marked there; a command's or template's text is not.
    for task in tasks(load(path)):
        command = task.get("ansible.builtin.command") or task.get("ansible.builtin.shell") or {}
        assert "password" not in str(command), f"{task['name']}: a command line can be read by every user of the host"


@every_file
def test_check_mode_tells_of_every_command_that_changes_something(path):
    # Ansible's own module skips its task there; fleet_command tells that it would run.
    for task in tasks(load(path)):
        assert not ("ansible.builtin.command" in task and task.get("changed_when") is not False), task["name"]


DEPLOYMENT = [path for path in PLAYBOOKS if path.stem.split("_")[0] == "site"]


@pytest.mark.parametrize("path", DEPLOYMENT, ids=lambda path: path.stem)
def test_a_host_that_fails_keeps_the_others_from_going_on_without_it(path):
    for play in load(path):
        if "hosts" in play:
            assert play.get("any_errors_fatal") or play.get("max_fail_percentage") == 0, play["name"]


def test_services_that_have_left_end_while_their_users_and_their_way_are_there():
    plays = [play["name"] for play in load(ROOT / "playbooks" / "site.yml")]

    assert plays.index("Services that have left the catalogue end") < plays.index("Every host")
    assert plays.index("Services that have left the catalogue end") < plays.index("Broker and Redis")


def looks():
    """The plays of pre-flight that look at hosts, and the one that judges."""
    *found, judge, _choose = load(ROOT / "playbooks" / "preflight.yml")
    return found, judge


def test_a_host_that_cannot_be_looked_at_is_judged_with_all_the_others():
    found, _ = looks()
    for task in [task for look in found for task in look["tasks"]]:
        assert task.get("failed_when") is False, task["name"]
        assert task.get("ignore_unreachable"), task["name"]


def test_clocks_are_asked_last_on_connections_that_stand():
    found, judge = looks()
    first, *_, last = [task for look in found for task in look["tasks"]]

    assert (first["register"], last["register"]) == ("__fleet_host", "__fleet_clock")
    assert "now(" in last["fleet_host"]["asked"]
    assert "now(" in judge["vars"]["preflight_facts"]["hosts"]


def test_an_archive_stays_on_the_controller_in_no_case():
    (stage,) = load(ROOT / "roles" / "nameko_service" / "tasks" / "stage.yml")

    (removal,) = [task["ansible.builtin.file"] for task in stage["always"]]

    assert removal == {"path": "{{ __nameko_service_archive }}", "state": "absent"}
