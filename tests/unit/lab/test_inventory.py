"""Which hosts the lab finds in an inventory, and what it says about one that it can't use."""

import pytest

from lab import inventory
from lab.errors import UsageError
from lab.paths import REPOSITORY


def written(folder, text):
    path = folder / "hosts.yml"
    path.write_text(text)
    return path


def refusal(folder, text):
    with pytest.raises(UsageError) as error:
        inventory.load(written(folder, text))
    return str(error.value)


def test_the_projects_inventories_can_be_read():
    fleet = inventory.load(REPOSITORY / "inventory" / "lab.yml")
    assert list(fleet.hosts) == ["core1", "core2", "core3", "app1", "app2", "app3", "edge1", "edge2"]
    assert str(fleet.gateway) == "10.77.0.1"
    single = inventory.load(REPOSITORY / "inventory" / "single.yml")
    assert single.hosts == {"solo": "10.77.0.51"}


def test_hosts_are_found_at_any_depth_and_once_each(tmp_path):
    path = written(
        tmp_path,
        """
        all:
          children:
            core:
              hosts: {a: {ansible_host: 10.77.0.61}}
              children:
                inner:
                  hosts: {b: {ansible_host: 10.77.0.62}}
            app:
              hosts: {a: , elsewhere: {}}
            empty:
        """,
    )
    assert inventory.load(path).hosts == {"a": "10.77.0.61", "b": "10.77.0.62"}


def test_settings_beside_the_inventory_win_over_the_projects(tmp_path):
    path = written(tmp_path, "lab: {hosts: {a: {ansible_host: 10.9.0.5}}}")
    assert "10.77.0.0/24" in refusal(tmp_path, path.read_text())
    settings = tmp_path / "group_vars" / "lab" / "lab.yml"
    settings.parent.mkdir(parents=True)
    settings.write_text("{lab_subnet: 10.9.0.0/24, lab_disk: 800M}")
    fleet = inventory.load(path)
    assert (str(fleet.gateway), fleet.disk) == ("10.9.0.1", "800M")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("{lab_subnet: 10.9.0.7/24, lab_disk: 3G}", "lab_subnet"),
        ("{lab_disk: 3G}", "lab_subnet"),
        ("{lab_subnet: 10.9.0.0/24, lab_disk: 3 apples}", "3 apples"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(tmp_path, settings, said):
    file = tmp_path / "group_vars" / "lab" / "lab.yml"
    file.parent.mkdir(parents=True)
    file.write_text(settings)
    refused = refusal(tmp_path, "lab: {hosts: {a: {ansible_host: 10.9.0.5}}}")
    assert said in refused
    assert str(file) in refused


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lab: {hosts: {a-host-with-a-long-name: {ansible_host: 10.77.0.61}}}", "a-host-with-a-long-name"),
        ("lab: {hosts: {a: {ansible_host: 10.77.1.61}}}", "10.77.0.0/24"),
        ("lab: {hosts: {a: {ansible_host: 10.77.0.1}}}", "10.77.0.1"),
        ("lab: {hosts: {a: {ansible_host: a.example.org}}}", "a.example.org"),
        ("lab: {hosts: {a: {ansible_host: 10.77.0.61}, b: {ansible_host: 10.77.0.61}}}", "two hosts"),
        ("{x: {hosts: {a: {ansible_host: 10.77.0.61}}}, y: {hosts: {a: {ansible_host: 10.77.0.62}}}}", "two addresses"),
        ("lab: {hosts: {a: }}", "no host with an ansible_host"),
        ("lab: core1", "group lab"),
        ("lab: {hosts: [core1]}", "hosts of lab"),
        ("lab: {hosts: {a: 10.77.0.61}}", "variables of a"),
        ("- core1", "no mapping"),
        ("lab: {", "not valid YAML"),
    ],
)
def test_what_is_wrong_with_an_inventory_is_said_in_one_line(tmp_path, text, said):
    refused = refusal(tmp_path, text)
    assert said in refused
    assert "hosts.yml" in refused
    assert "\n" not in refused


def test_a_missing_inventory_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"nowhere.yml can't be read \(No such file"):
        inventory.load(tmp_path / "nowhere.yml")


def test_an_unknown_host_gets_the_valid_names(tmp_path):
    fleet = inventory.load(
        written(tmp_path, "lab: {hosts: {a: {ansible_host: 10.77.0.61}, b: {ansible_host: 10.77.0.62}}}")
    )
    assert fleet.select([]) == ["a", "b"]
    assert fleet.select(["b", "b"]) == ["b"]
    with pytest.raises(UsageError, match=r"no host c: name one of a, b\."):
        fleet.select(["a", "c"])
