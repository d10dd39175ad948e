"""What a run refuses before it touches a host."""

import copy

import pytest

from tests.unit.preflight.fleets import PASSWORDS, host, problems


def test_nothing_stands_in_the_way_of_a_sound_fleet(facts):
    assert problems(facts) == []


def test_nor_of_one_where_one_host_is_all(facts):
    facts["groups"] = {"core": ["solo"], "app": ["solo"], "edge": ["solo"]}
    facts["hosts"] = {"solo": host("10.77.0.51")}

    assert problems(facts) == []


def merge(target, changes):
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            merge(target[key], value)
        else:
            target[key] = value


CASES = {
    "unreachable app host": (
        {"hosts": {"app2": {"reachable": False, "address": "10.77.0.15"}}},
        "app2 can't be reached. Type `ssh 10.77.0.15` to see why, or leave it out with `-e skip=app2`.",
    ),
    "unreachable host whose connection says why": (
        {"hosts": {"core2": {"reachable": False, "answered": False, "failure": "No route to host"}}},
        "core2 can't be reached (No route to host). Type `ssh 10.77.0.12` to see why.",
    ),
    "another one unreachable": (
        {"skip": ["app1"], "hosts": {"app2": {"reachable": False, "address": "10.77.0.15"}}},
        "leave it out with `-e skip=app1,app2`.",
    ),
    "unreachable core host": (
        {"hosts": {"core2": {"reachable": False, "address": "10.77.0.12"}}},
        "core2 can't be reached. Type `ssh 10.77.0.12` to see why.",
    ),
    "host without Python": (
        {"hosts": {"app2": {"reachable": False, "answered": True, "failure": "python3: not found"}}},
        "app2 can be reached, but not looked at (python3: not found). It needs /usr/bin/python3 and root, by sudo",
    ),
    "port of a host's SSH": (
        {"hosts": {"app2": {"ssh_port": "8125"}}},
        "greeting.port is 8120, but among its 20 ports 8125 belongs to SSH on app2: choose another.",
    ),
    "core host skipped": ({"skip": ["core2"]}, "core2 is a host of core, and only pure app hosts can be skipped."),
    "edge host skipped": ({"skip": ["edge1"]}, "edge1 is a host of edge, and only pure app hosts can be skipped."),
    "unknown host skipped": (
        {"skip": ["ap1"]},
        "There is no host ap1 to skip. Correct `-e skip=`: did you mean app1? valid: app1, app2.",
    ),
    "every app host skipped": ({"skip": ["app1", "app2"]}, "Every app host is to be skipped."),
    "a name for an address": (
        {"hosts": {"app1": {"address": "app1.example.org"}}},
        "The address of app1 in the fleet is 'app1.example.org', which is no IPv4 address. Set ansible_host of app1",
    ),
    "an address that is another machine's": (
        {"hosts": {"app1": {"address": "192.0.2.7"}}},
        "app1 has no interface with its address 192.0.2.7 (it has 127.0.0.1, 10.77.0.14). Set fleet_address of app1",
    ),
    "another distribution": (
        {"hosts": {"app1": {"distribution": "Ubuntu", "version": "26.04", "python": "3.14"}}},
        "app1 runs Ubuntu 26.04. Install Debian 13 on it",
    ),
    "an older Debian": ({"hosts": {"core1": {"version": "12"}}}, "core1 runs Debian 12. Install Debian 13 on it"),
    "two core hosts": (
        {"groups": {"core": ["core1", "core2"]}},
        "2 core hosts (core1, core2) are an even number, which survives no more than one fewer. List 1, 3 or 5",
    ),
    "empty group": ({"groups": {"edge": []}}, "The group edge has no host. List at least one host under edge"),
    "same address": (
        {"hosts": {"app2": {"address": "10.77.0.14", "interfaces": {"10.77.0.14": "eth0"}}}},
        "app1, app2 have the same address 10.77.0.14.",
    ),
    "catalogue": (
        {"services": {"greeting": {"instances": 0}}},
        "greeting.instances must be a whole number from 1 to 10, not 0. Correct inventory/group_vars/all/services.yml.",
    ),
    "release not built": (
        {"services": {"greeting": {"release": "1.2.0"}}},
        "greeting 1.2.0, which is not built (built of greeting: 1.0.0). Type `make release SERVICE=greeting`, or name",
    ),
    "secret missing": (
        {"secrets": {"redis": {"admin_password": ""}}},
        "The secret secrets.redis.admin_password is missing. `make secrets` generates the lab's; in production type",
    ),
    "secret with a quote": (
        {"secrets": {"redis": {"admin_password": 'a"b'}}},
        "The secret secrets.redis.admin_password has something other than letters, digits",
    ),
    "clock ahead": (
        {"hosts": {"core3": {"clock_offset": 4.2}}},
        "The clock of core3 is 4.2 s ahead of the controller's, more than 3 s. Type `timedatectl` on core3",
    ),
    "clock behind": (
        {"hosts": {"app1": {"clock_offset": -75.0}}},
        "The clock of app1 is 75.0 s behind the controller's",
    ),
    "disk of a core host": (
        {"hosts": {"core1": {"disk_free_mb": 100}}},
        "core1 has 100 MiB of disk left below /opt and needs 600 (room to work). Free 500 MiB on core1",
    ),
    "disk of an app host": (
        {"hosts": {"app1": {"disk_free_mb": 300}}},
        "needs 316 (the catalogue's releases beside those that are there, and room to work).",
    ),
    "disk of an app host's own /var": (
        {"hosts": {"app1": {"disk_free_mb": 16, "var_free_mb": 300}}},
        "app1 has 300 MiB of disk left below /var and needs 316 (the catalogue's releases beside those that are there,",
    ),
    "disk of a core host's own /var": (
        {"hosts": {"core1": {"disk_free_mb": 0, "var_free_mb": 599}}},
        "core1 has 599 MiB of disk left below /var and needs 600 (room to work). Free 1 MiB on core1",
    ),
    "disk of an app host's own /opt": (
        {"hosts": {"app1": {"disk_free_mb": 15, "var_free_mb": 3000}}},
        "app1 has 15 MiB of disk left below /opt and needs 16 (",
    ),
    "memory of an app host": (
        {"hosts": {"app2": {"memory_mb": 512}}},
        "app2 has 512 MiB of memory and needs 620. Give app2 more memory, or lower instances in the catalogue.",
    ),
    "memory of an edge host": (
        {"hosts": {"edge2": {"memory_mb": 128}}},
        "edge2 has 128 MiB of memory and needs 150. Give edge2 more memory.",
    ),
    "memory in use": (
        {"hosts": {"app2": {"memory_free_mb": 100}}},
        "app2 has 100 MiB of memory left and needs 140 for new instances.",
    ),
    "architecture": (
        {"services": {"airports": None}, "hosts": {"app1": {"arch": "aarch64"}}},
        "greeting 1.0.0 is built for Python 3.13 on x86_64, but app1 has Python 3.13 on aarch64.",
    ),
    "virtual IP missing": (
        {"vip": ""},
        "The virtual IP '' is no address. Set vip in the inventory to an unused address",
    ),
    "virtual IP is a host's": ({"vip": "10.77.0.14"}, "The virtual IP 10.77.0.14 is the address of app1."),
    "virtual IP elsewhere": (
        {"vip": "10.78.0.100", "hosts": {"edge1": {"networks": ["10.78.0.0/24"]}}},
        "The virtual IP 10.78.0.100 is outside the subnet of edge2 (10.77.0.0/24). Set vip in the inventory",
    ),
    "virtual IP is the network": (
        {"vip": "10.77.0.0"},
        "The virtual IP 10.77.0.0 is the network address of 10.77.0.0/24. Set vip in the inventory",
    ),
    "virtual IP is everybody": (
        {"vip": "10.77.0.255"},
        "The virtual IP 10.77.0.255 is the broadcast address of 10.77.0.0/24. Set vip",
    ),
    "virtual IP is the gateway": (
        {"vip": "10.77.0.1"},
        "The virtual IP 10.77.0.1 is the gateway of the edge hosts. Set",
    ),
    "virtual IP only where it was put": (
        {"vip": "10.78.0.100", "groups": {"edge": ["edge1"]}, "hosts": {"edge1": {"networks": ["10.78.0.100/32"]}}},
        "The virtual IP 10.78.0.100 is outside the subnet of edge1 (none).",
    ),
}


@pytest.mark.parametrize(("changes", "said"), CASES.values(), ids=CASES)
def test_each_problem_is_told_once_with_its_remedy(facts, changes, said):
    merge(facts, copy.deepcopy(changes))
    facts["services"] = {name: entry for name, entry in facts["services"].items() if entry}

    (problem,) = problems(facts)

    assert said in problem


def test_with_limit_nothing_else_is_judged_for_most_was_not_looked_at(facts):
    facts["limit"] = "app1"
    facts["hosts"]["app2"] = {"reachable": False, "address": "10.77.0.15"}

    (problem,) = problems(facts)

    assert problem.startswith("`--limit app1` leaves hosts out")
    assert "Type it without --limit; an app host that is down is left out with `-e skip=NAME`." in problem


def test_a_skipped_app_host_may_be_in_any_state(facts):
    facts["skip"] = ["app2"]
    facts["hosts"]["app2"] = {"reachable": False, "address": "10.77.0.15"}

    assert problems(facts) == []


def test_a_host_of_several_groups_cannot_be_skipped(facts):
    facts["groups"]["app"].append("core1")
    facts["skip"] = ["core1"]

    (problem,) = problems(facts)

    assert "core1 is a host of core, and only pure app hosts can be skipped. Correct `-e skip=`: valid: app1, app2" in (
        problem.replace("did you mean app1? ", "")
    )


def test_a_mistyped_service_is_told_the_names_of_built_ones(facts):
    facts["services"]["greting"] = facts["services"].pop("greeting")
    facts["secrets"]["services"]["greting"] = PASSWORDS

    (problem,) = problems(facts)

    assert "The catalogue has greting 1.0.0, which is not built (built of greting: none)." in problem
    assert "did you mean greeting? valid: airports, greeting" in problem


def test_a_release_that_lacks_a_wheel_is_told_by_the_wheels_name(facts, tmp_path):
    wheel = next(tmp_path.glob("greeting-1.0.0/wheels/*"))
    wheel.unlink()

    (problem,) = problems(facts)

    assert f"The release greeting 1.0.0 is damaged: wheel {wheel.name} is missing." in problem
    assert f"`rm -r {tmp_path}/greeting-1.0.0 && make release SERVICE=greeting`" in problem


def test_a_corrupt_wheel_is_told_by_its_name(facts, tmp_path):
    wheel = next(tmp_path.glob("greeting-1.0.0/wheels/*"))
    wheel.write_bytes(b"y" * 2**20)

    (problem,) = problems(facts)

    assert f"wheel {wheel.name} is corrupt" in problem


def test_all_problems_are_told_at_once(facts):
    facts["groups"]["core"] = ["core1", "core2"]
    facts["hosts"]["app1"] = {"reachable": False, "address": "10.77.0.14"}
    facts["hosts"]["core1"]["clock_offset"] = 10.0
    facts["services"]["greeting"]["release"] = "9.0.0"
    facts["secrets"]["rabbitmq"] = {}
    facts["vip"] = "192.0.2.1"

    told = "\n".join(problems(facts))

    for part in (
        "even number",
        "app1 can't",
        "clock of core1",
        "greeting 9.0.0",
        "erlang_cookie",
        "operator_password",
        "192.0",
    ):
        assert part in told


def test_an_inventory_without_hosts_is_refused_in_words(facts):
    facts["groups"], facts["hosts"] = {}, {}

    assert [problem for problem in problems(facts) if "has no host" in problem] == [
        f"The group {group} has no host. List at least one host under {group} in the inventory."
        for group in ("core", "app", "edge")
    ]


def test_of_two_addresses_both_may_be_the_virtual_ip(facts):
    facts["vip"] = "10.78.0.1"
    for name in facts["groups"]["edge"]:
        facts["hosts"][name]["networks"] = ["10.78.0.0/31"]

    assert problems(facts) == []


@pytest.fixture
def moved(facts):
    """The fleet whose airports are published, and run on other ports than the catalogue says."""
    facts["services"]["airports"]["http"] = {"port": 8000}
    for name in facts["groups"]["app"]:
        facts["hosts"][name]["instances"] = [
            {"service": "airports", "release": "1.0.0", "slot": "b", "number": 2, "port": 8211},
            {"service": "greeting", "release": "1.0.0", "slot": "a", "number": 1, "port": 8120},
        ]
    return facts


def test_an_http_services_port_changes_only_at_the_price_of_an_outage_that_was_agreed_to(moved):
    (problem,) = problems(moved)

    assert problem == (
        "airports runs on the ports from 8200 on and the catalogue says 8140: the load balancers would reach no"
        " instance from the start of this run to its end. Put 8200 back; or, in an hour when clients may get 503, type"
        " it with `-e outage=airports`."
    )
    moved["outage"] = ["airports"]
    assert problems(moved) == []


def test_a_service_without_http_may_move_and_one_that_stays_is_no_matter(moved):
    del moved["services"]["airports"]["http"]
    assert problems(moved) == []
    moved["services"]["airports"] |= {"http": {"port": 8000}, "port": 8200}
    assert problems(moved) == []
