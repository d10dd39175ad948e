"""HAProxy's configuration at the edge."""

import json
import re
import subprocess

from fleet import catalogue, translate
from tests.templates.shapes import INTERNAL, PUBLISHED, SINGLE, SPLIT, lines


def edge(render, services, nodes, host):
    published = translate.http_services(catalogue.complete(services), nodes["app"])
    return lines(render("haproxy/edge.cfg.j2", host, haproxy_vip="10.0.0.100", haproxy_http_services=published))


def test_the_edge_checks_every_place_where_an_instance_may_be(render):
    servers = [line for line in edge(render, PUBLISHED, SPLIT, "edge1") if line.startswith("server ")]
    assert servers == [
        f"server {host}-{slot}{number} {address}:{8100 + shift + number - 1} check"
        for host, address in SPLIT["app"].items()
        for slot, shift in (("a", 0), ("b", 10))
        for number in (1, 2)
    ]


def test_the_edge_listens_on_the_virtual_ip_before_it_has_it(render):
    for nodes, host in ((SPLIT, "edge2"), (SINGLE, "solo")):
        assert "bind 10.0.0.100:8000 transparent" in edge(render, PUBLISHED, nodes, host)


def test_what_got_no_answer_is_sent_again_but_not_what_was_answered(render):
    text = edge(render, PUBLISHED, SPLIT, "edge1")
    assert "retry-on conn-failure empty-response response-timeout" in text
    assert "option http-buffer-request" in text  # or there would be nothing to send again
    assert "option redispatch 1" in text


def test_only_reads_and_what_carries_a_key_are_sent_again(render):
    rules = [line for line in edge(render, PUBLISHED, SPLIT, "edge1") if line.startswith(("acl ", "http-request "))]
    assert rules[-7:] == [
        "http-request del-header X-Idempotency-Key-By",
        "acl changes method POST PUT PATCH DELETE",
        "acl has_key req.hdr(Idempotency-Key) -m found",
        # In this order: after the key is set `has_key` holds.
        "http-request set-header X-Idempotency-Key-By edge if changes !has_key",
        "http-request set-header Idempotency-Key %[unique-id] if changes !has_key",
        "acl reads method GET HEAD",
        "http-request disable-l7-retry unless reads or has_key",
    ]


def test_an_instance_may_take_as_long_as_the_longest_call(render):
    assert "timeout server 30s" in edge(render, PUBLISHED, SPLIT, "edge1")


def test_a_host_that_is_gone_is_noticed_long_before(render):
    text = edge(render, PUBLISHED, SPLIT, "edge1")
    assert {"option srvtcpka", "srvtcpka-idle 1s", "srvtcpka-intvl 1s", "srvtcpka-cnt 2"} <= set(text)
    (server,) = [line for line in text if line.startswith("default-server ")]
    assert server.endswith(" tcp-ut 2s")


def test_haproxy_understands_it(render, tmp_path):
    main, part = tmp_path / "haproxy.cfg", tmp_path / "edge.cfg"
    main.write_text("global\n    log stdout format raw daemon\n    tune.bufsize 98304\n")
    published = translate.http_services(catalogue.complete(PUBLISHED), SPLIT["app"])
    arguments = {"haproxy_vip": "10.0.0.100", "haproxy_http_services": published}
    part.write_text(render("haproxy/edge.cfg.j2", "edge1", **arguments))
    command = ["/usr/sbin/haproxy", "-c", "-f", main, "-f", part]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_each_published_service_has_its_own_port_and_others_have_none(render):
    two = {**PUBLISHED, **INTERNAL, "site": {**PUBLISHED["shop"], "port": 8420, "http": {"port": 80}}}
    text = edge(render, two, SPLIT, "edge1")
    assert [line for line in text if line.startswith("bind 10.")] == [
        "bind 10.0.0.100:8000 transparent",
        "bind 10.0.0.100:80 transparent",
    ]
    assert [line for line in text if line.startswith("backend ")] == [
        "backend shop from edge",
        "backend site from edge",
    ]


def test_a_fleet_that_publishes_nothing_still_answers_keepalived(render):
    text = edge(render, INTERNAL, SPLIT, "edge1")
    assert [line for line in text if line.startswith(("frontend", "bind", "backend"))] == [
        "frontend alive from edge",
        "bind 127.0.0.1:8404",
    ]


def test_the_balancers_own_errors_are_json(render):
    errors = [line for line in edge(render, PUBLISHED, SPLIT, "edge1") if line.startswith("http-error ")]
    assert {re.search(r"status (\d+)", line)[1] for line in errors} == {"400", "408", "500", "502", "503", "504"}
    for line in errors:
        assert "content-type application/json" in line
        error = json.loads(json.loads(line.partition(" string ")[2]))["error"]
        assert error["code"]
        assert error["message"].endswith(".")


def test_only_an_unavailable_service_asks_clients_to_come_back(render):
    errors = [line for line in edge(render, PUBLISHED, SPLIT, "edge1") if line.startswith("http-error ")]
    assert [line.split()[2] for line in errors if "hdr Retry-After 1 " in line] == ["503"]
