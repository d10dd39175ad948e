"""Keepalived's configuration."""

from tests.templates.shapes import SINGLE, SPLIT, lines


def keepalived(render, nodes, host):
    arguments = {"keepalived_vip": "10.0.0.100", "keepalived_nodes": nodes["edge"], "keepalived_interface": "eth0"}
    return lines(render("keepalived/keepalived.conf.j2", host, keepalived_balancer_port=8404, **arguments))


def test_each_edge_host_announces_itself_to_all_others_and_takes_nothing_back(render):
    for host, peer in (("edge1", "10.0.0.32"), ("edge2", "10.0.0.31")):
        text = keepalived(render, SPLIT, host)
        assert text[text.index("unicast_peer {") + 1] == peer
        assert f"unicast_src_ip {SPLIT['edge'][host]}" in text
        assert {"state BACKUP", "nopreempt", "vrrp_version 3", "priority 100"} <= set(text)


def test_a_host_alone_has_no_peer(render):
    text = keepalived(render, SINGLE, "solo")
    assert not any(line.startswith("unicast") for line in text)
    assert "10.0.0.100" in text
