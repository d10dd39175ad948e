"""The firewall's files."""

from fleet import catalogue, firewall
from tests.templates.shapes import INTERNAL, PUBLISHED, SINGLE, SPLIT, lines


def rules(render, groups, nodes, services=PUBLISHED):
    found = firewall.rules(groups, nodes, catalogue.complete(services), ["0.0.0.0/0"])
    return lines(render("base/nftables.conf.j2", "any", base_firewall_rules=found))


def accepted(text):
    return {line for line in text if line.endswith(" accept") and line.startswith("ip saddr")}


SSH = "ip saddr { 0.0.0.0/0 } tcp dport 22 accept"


def test_what_no_rule_accepts_is_dropped_and_old_rules_go_in_the_same_transaction(render):
    text = rules(render, ["core"], SPLIT)
    assert "type filter hook input priority filter; policy drop;" in text
    # The first creates it should it not be there, for nothing that is absent can be deleted.
    first, second, third = (index for index, line in enumerate(text) if "table inet fleet" in line)
    assert (text[first], text[second], text[third]) == (
        "table inet fleet",
        "delete table inet fleet",
        "table inet fleet {",
    )


def test_hosts_of_each_kind_let_in_who_needs_them(render):
    core = "10.0.0.11, 10.0.0.12, 10.0.0.13"
    assert accepted(rules(render, ["core"], SPLIT)) == {
        SSH,
        f"ip saddr {{ {core} }} tcp dport {{ 4369, 25672, 35672-35682, 26379 }} accept",
        f"ip saddr {{ {core}, 10.0.0.21, 10.0.0.22 }} tcp dport {{ 6379 }} accept",
        "ip saddr { 10.0.0.21, 10.0.0.22 } tcp dport { 8405 } accept",
    }
    assert accepted(rules(render, ["app"], SPLIT)) == {
        SSH,
        "ip saddr { 10.0.0.31, 10.0.0.32 } tcp dport { 8100-8119 } accept",
    }
    assert accepted(rules(render, ["edge"], SPLIT)) == {
        SSH,
        "ip saddr { 10.0.0.31, 10.0.0.32 } meta l4proto vrrp accept",
        "ip saddr { 0.0.0.0/0 } tcp dport { 8000 } accept",
    }


def test_a_host_that_is_everything_names_itself_once(render):
    """An interval set with an element twice is an error to nft."""
    text = accepted(rules(render, ["core", "app", "edge"], SINGLE))
    assert len(text) == 7
    assert not any(line.count("10.0.0.51") > 1 for line in text)


def test_a_fleet_that_publishes_nothing_lets_no_client_in(render):
    assert not any("8000" in line for line in rules(render, ["edge"], SPLIT, INTERNAL))


def test_clients_of_the_broker_are_let_in_by_a_file_of_their_own(render):
    rule = {"ports": ["5672"], "sources": list(SPLIT["app"].values())}
    assert lines(render("base/allow.nft.j2", "core1", base_firewall_rules=[rule])) == [
        "add rule inet fleet input ip saddr { 10.0.0.21, 10.0.0.22 } tcp dport { 5672 } accept"
    ]
