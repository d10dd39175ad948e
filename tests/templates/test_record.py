"""How a core host tells of the fleet's record, as the program that systemd starts for each connection."""

import configparser
import json
import subprocess
import sys

import pytest

from fleet.paths import ROOT

ANSWER = ROOT / "roles" / "fleet_record" / "files" / "answer.py"
GET = b"GET / HTTP/1.1\r\nHost: core1\r\n\r\n"


@pytest.fixture
def ask(tmp_path):
    """`ask(request)` is the status and the content of what the program answers."""

    def call(request=GET):
        command = [sys.executable, "-I", ANSWER, tmp_path / "public.json"]
        out = subprocess.run(command, input=request, capture_output=True, check=True, timeout=20).stdout
        head, _, body = out.partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}".encode() in head
        return int(head.split()[1]), json.loads(body)

    return call


def test_it_answers_with_what_is_public_of_the_record(ask, tmp_path):
    (tmp_path / "public.json").write_text('{"version": 7, "services": {"greeting": ["0123456789ab"]}}')
    assert ask() == (200, {"version": 7, "services": {"greeting": ["0123456789ab"]}})


def test_a_host_without_a_record_says_so(ask):
    assert ask() == (200, {"version": 0, "services": {}})


def test_one_whose_file_is_corrupt_gives_no_answer_that_counts(ask, tmp_path):
    (tmp_path / "public.json").write_text("{")
    assert ask()[0] == 503


@pytest.mark.parametrize(("request_", "status"), [(b"POST / HTTP/1.1\r\n\r\n", 405), (b"hello\r\n", 400), (b"", 400)])
def test_what_is_no_question_is_refused(ask, request_, status):
    assert ask(request_)[0] == status


def test_a_client_that_says_nothing_is_left(tmp_path):
    command = [sys.executable, "-I", ANSWER, tmp_path / "public.json"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as silent:
        assert silent.wait(timeout=30) != 0


def unit(render, name, **arguments):
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str
    parser.read_string(render(f"fleet_record/{name}.j2", "core1", **arguments))
    return parser


def test_it_listens_on_the_hosts_own_address_with_a_process_for_each_of_few_connections(render):
    socket = unit(render, "fleet-record.socket", fleet_record_address="10.0.0.11")["Socket"]
    assert socket["ListenStream"] == "10.0.0.11:8405"
    assert socket["Accept"] == "yes"
    assert int(socket["MaxConnectionsPerSource"]) < int(socket["MaxConnections"])


def test_what_answers_may_read_and_no_more(render):
    service = unit(render, "fleet-record@.service")["Service"]
    assert service["ExecStart"].endswith("/opt/fleet/bin/fleet-record-answer /var/lib/fleet/record/public.json")
    assert (service["DynamicUser"], service["ProtectSystem"]) == ("yes", "strict")
    assert service["RuntimeMaxSec"]
