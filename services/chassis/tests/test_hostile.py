"""Clients that send what is not HTTP, or HTTP that servers disagree about: an answer, and no harm done."""

import json
import logging
import select
import socket

import pytest
from chassis.http import http, text_fields
from chassis.http.server import SOCKET_TIMEOUT
from chassis.testing import DEADLINE
from chassis.testing.served import read_all
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BODY = b'{"text": "x"}'
POST = b"POST /echo HTTP/1.1\r\nHost: x\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


class Service:
    name = "tried_service"

    @http("POST", "/echo")
    def echo(self, request):
        return {"text": text_fields(request, "text")[0]}


@pytest.fixture
def service(serve, caplog):
    served = serve(Service)
    yield served
    assert served.request("POST", "/echo", BODY).status == 200
    assert not bugs(caplog)


def bugs(caplog):
    return [record for record in caplog.records if record.levelno >= logging.ERROR]


def answers(received):
    """Split what came back into (status, headers, body) of each answer."""
    found = []
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = int(headers["content-length"])
        found.append((int(status.split()[1]), headers, rest[:length]))
        received = rest[length:]
    return found


def only_answer(received, status):
    ((actual, headers, body),) = answers(received)
    assert actual == status
    assert headers["content-type"] == "application/json"
    assert headers["x-request-id"]
    assert json.loads(body)["error"].keys() == {"code", "message"}
    return headers


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 13\r\nContent-Length: 13\r\n",
        b"Content-Length: 13\r\nContent-Length: 0\r\n",
        b"Content-Length: 13, 13\r\n",
        b"Content-Length: +13\r\n",
        b"Content-Length: 1_3\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 0x0d\r\n",
        b"Content-Length: \r\n",
        b"Content-Length: " + b"9" * 5000 + b"\r\n",
        b"Content-Length: " + b"0" * 5000 + b"13\r\n",
        b"Content-Length: 18446744073709551615\r\n",
        b"Content-Length: 13\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: identity\r\n",
    ],
)
def test_a_length_that_servers_could_disagree_about_is_a_400_and_ends_the_connection(service, headers):
    # What follows would be taken for a request of its own by a server that reads no body here.
    smuggled = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = only_answer(service.raw(POST + headers + b"\r\n" + BODY + smuggled), 400)
    assert answer["connection"] == "close"


@pytest.mark.parametrize(
    "headers",
    [
        b"Transfer-Encoding : chunked\r\n",
        b"X\r\nTransfer-Encoding: chunked\r\n",
        b"X: 1\r\n Transfer-Encoding: chunked\r\n",
        b" X: 1\r\nTransfer-Encoding: chunked\r\n",
        b"X: 1\rTransfer-Encoding: chunked\r\n",
        b"X: 1\nTransfer-Encoding: chunked\r\n",
        b"X: 1\0\r\nTransfer-Encoding: chunked\r\n",
        b"X: \x7f\r\nTransfer-Encoding: chunked\r\n",
        b": 1\r\nTransfer-Encoding: chunked\r\n",
        b"From me\r\nTransfer-Encoding: chunked\r\n",
        b"X\xc3\xa4: 1\r\nTransfer-Encoding: chunked\r\n",
    ],
)
def test_a_header_line_that_servers_could_disagree_about_is_a_400_and_ends_the_connection(service, headers):
    smuggled = b"0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = only_answer(service.raw(POST + headers + b"\r\n" + smuggled), 400)
    assert answer["connection"] == "close"


def test_chunks_are_of_http_1_1(service):
    chunked = b"POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + b"d\r\n" + BODY + b"\r\n0\r\n\r\n"
    only_answer(service.raw(chunked), 400)


def test_space_around_a_value_is_none_of_it(service):
    sent = POST + b"Content-Length: \t13 \r\nConnection: close \r\n\r\n" + BODY
    ((status, headers, _),) = answers(service.raw(sent))
    assert (status, headers["connection"]) == (200, "close")


@pytest.mark.parametrize("hosts", [b"", b"Host: x\r\nHost: x\r\n", b"Host: x\r\nhost: y\r\n"])
def test_there_is_one_host(service, hosts):
    answer = only_answer(service.raw(b"GET /health HTTP/1.1\r\n" + hosts + b"\r\n"), 400)
    assert answer["connection"] == "close"


@pytest.mark.parametrize(
    ("target", "status"),
    [(b"http://x/health", 200), (b"HTTP://x:80/health?y", 200), (b"http://x", 404), (b"http://x?/health", 404),
     (b"http://x//health", 404), (b"http:///health", 404)],
)  # fmt: skip
def test_a_target_as_proxies_get_it_is_its_path(service, target, status):
    sent = b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n"
    assert [status for status, _, _ in answers(service.raw(sent))] == [status]


def test_headers_that_end_early_are_a_400(service):
    only_answer(service.raw(b"GET /health HTTP/1.1\r\nHost: x\r\n"), 400)


def test_who_asks_for_another_protocol_is_answered_in_this_one(service):
    asked = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert [status for status, _, _ in answers(service.raw(asked))] == [200]


def test_an_announced_body_that_is_too_large_is_a_413_before_it_is_sent(service):
    with socket.create_connection(("127.0.0.1", service.port), DEADLINE) as sock:
        sock.sendall(POST + b"Content-Length: 999999999999\r\n\r\n")
        assert sock.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_the_rest_of_a_refused_body_is_not_waited_for_for_ever(service, monkeypatch):
    monkeypatch.setattr("chassis.http.body.BODY_TIMEOUT", 0.1)
    with socket.create_connection(("127.0.0.1", service.port), SOCKET_TIMEOUT / 2) as sock:
        sock.sendall(POST + b"Content-Length: 100000\r\n\r\n")
        only_answer(read_all(sock), 413)


def test_ten_mebibytes_are_a_413_and_the_connection_lives(service):
    body = b"x" * (10 * 1024 * 1024)
    sent = POST + b"Content-Length: %d\r\n\r\n" % len(body) + body + b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    assert [status for status, _, _ in answers(service.raw(sent))] == [413, 200]


def test_a_413_without_waiting_for_a_client_that_asks_first(service):
    received = service.raw(POST + b"Expect: 100-continue\r\nContent-Length: 100000\r\n\r\n")
    only_answer(received, 413)


def test_a_small_body_is_asked_for(service):
    with socket.create_connection(("127.0.0.1", service.port), DEADLINE) as sock:
        sock.sendall(POST + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: 13\r\n\r\n")
        assert sock.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(BODY)
        assert sock.recv(65536).startswith(b"HTTP/1.1 200 ")


LAST = b"\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "body",
    [b"", b"zz\r\n", b"d\r\n" + BODY, b"10\r\n" + BODY, b"1000000000\r\nx", b"d\r\n" + BODY + b"\r\n0\r\n",
     b"d\r\n" + BODY + b"\r\n0\r\nX: 1\r\n"],
)  # fmt: skip
def test_a_chunked_body_that_is_malformed_or_ends_early_is_a_400(service, body):
    answer = only_answer(service.raw(POST + CHUNKED + body), 400)
    assert answer["connection"] == "close"


@pytest.mark.parametrize(
    "body",
    [
        b"zz\r\n" + LAST, b"-1\r\n" + BODY + LAST, b"-0\r\n\r\n", b"+0\r\n\r\n",
        *(size + b"\r\n" + BODY + LAST
          for size in (b"+d", b"0xd", b"0_d", b" d", b"d ", b"\td", b"00000000d", b"\xd9\xa3")),
        b"d\n" + BODY + LAST, b"d\r" + BODY + LAST, b"d;x\n" + BODY + LAST, b"d;x\ry\r\n" + BODY + LAST,
        b"d;\0\r\n" + BODY + LAST, b"d;" + b"x" * 1000 + b"\r\n" + BODY + LAST,
        b"d\r\n" + BODY + b"\n0\r\n\r\n", b"d\r\n" + BODY + b"x" + LAST, b"d\r\n" + BODY + b"0\r\n\r\n",
        b"d\r\n" + BODY + b"\r\n0\n\n", b"d\r\n" + BODY + b"\r\n0\r\n\n",
        *(b"d\r\n" + BODY + b"\r\n0\r\n" + trailer + b"\r\n"
          for trailer in (b"X: 1\n", b"X\r\n", b"X : 1\r\n", b" X: 1\r\n", b"X: 1\0\r\n", b"X: 1\r\n" * 2000)),
    ],
)  # fmt: skip
def test_chunks_that_servers_could_disagree_about_are_a_400_and_what_follows_is_no_request(service, body):
    smuggled = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = only_answer(service.raw(POST + CHUNKED + body + smuggled), 400)
    assert answer["connection"] == "close"


def test_a_chunk_may_have_a_size_of_many_digits_an_extension_and_trailers(service):
    proper = POST + CHUNKED + b'00000008;x="y" ;z\r\n' + BODY[:8] + b"\r\n5 ;x\r\n" + BODY[8:] + b"\r\n"
    found = answers(service.raw((proper + b"0\r\nX: 1\r\nY:\r\n\r\n") * 2))
    assert [(status, body) for status, _, body in found] == [(200, BODY)] * 2


def test_a_chunks_size_that_never_ends_is_not_kept(service):
    with socket.create_connection(("127.0.0.1", service.port), DEADLINE) as sock:
        sock.sendall(POST + CHUNKED + b"0" * 4096)
        only_answer(read_all(sock), 400)


def test_endless_chunks_are_a_413(service):
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    only_answer(service.raw(POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 100), 413)


def test_a_body_shorter_than_its_length_is_a_400(service):
    only_answer(service.raw(POST + b"Content-Length: 14\r\n\r\n" + BODY), 400)


@pytest.mark.parametrize("sent", [b"G", POST, POST + b"Content-Length: 13\r\n"])
def test_a_head_that_comes_too_slowly_is_a_408_and_ends_the_connection(service, monkeypatch, sent):
    monkeypatch.setattr("chassis.http.protocol.HEAD_TIMEOUT", 0.2)
    with socket.create_connection(("127.0.0.1", service.port), DEADLINE) as sock:
        sock.sendall(sent)
        # It is never silent for long.
        assert any(select.select([sock], [], [], 0.05)[0] or sock.sendall(b"x") for _ in range(100))
        answer = only_answer(read_all(sock), 408)
        assert answer["connection"] == "close"


def test_a_connection_on_which_nothing_comes_ends_without_a_word(serve, monkeypatch):
    monkeypatch.setattr("chassis.http.server.KEEPALIVE", 0.2)
    service = serve(Service)
    with socket.create_connection(("127.0.0.1", service.port), DEADLINE) as sock:
        assert read_all(sock) == b""
    with socket.create_connection(("127.0.0.1", service.port), DEADLINE) as sock:
        sock.sendall(POST + b"Content-Length: 13\r\n\r\n" + BODY)
        assert [status for status, _, _ in answers(read_all(sock))] == [200]


def test_a_body_that_comes_too_slowly_is_a_408_and_takes_no_worker(serve, monkeypatch):
    monkeypatch.setattr("chassis.http.body.BODY_TIMEOUT", 0.2)
    service = serve(Service, {"max_workers": 1})
    with socket.create_connection(("127.0.0.1", service.port), DEADLINE) as sock:
        sock.sendall(POST + b"Content-Length: 13\r\n\r\n{")
        assert service.request("POST", "/echo", BODY).status == 200
        only_answer(read_all(sock), 408)


def test_no_length_is_no_body(service):
    ((status, _, _), *_) = answers(service.raw(POST + b"\r\n"))
    assert status == 400


def test_a_path_that_is_too_long_is_a_414(service):
    only_answer(service.raw(b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\n\r\n"), 414)


@pytest.mark.parametrize("headers", [b"X: " + b"x" * 10_000 + b"\r\n", b"X: " + b"x" * 1000 + b"\r\n", b"X: x\r\n" * 2])
def test_headers_that_are_too_large_are_a_431(service, headers):
    only_answer(service.raw(b"GET /health HTTP/1.1\r\n" + headers * 99 + b"\r\n"), 431)


def test_a_path_that_is_not_utf_8_is_a_400(service):
    only_answer(service.raw(b"GET /%FF HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 400)


@pytest.mark.parametrize(
    "line",
    [
        b"\x16\x03\x01\x02\x00", b"GET", b"GET /", b"GET / HTTP/9.9", b"GET / HTTP/2.0", b"GET / HTTP/x",
        b"<>\"'&\x00 / x", b"GET /\t HTTP/1.1", b"GET / HTTP/1.1 ", b"GET / HTTP/1.1\rX: 1", b"MADE-UP / HTTP/1.1",
        b"GET  / HTTP/1.1", b"GET / RTSP/1.0", b"SOURCE / ICE/1.0",
    ],
)  # fmt: skip
def test_what_is_not_http_is_refused_in_json(service, line):
    ((status, headers, body),) = answers(service.raw(line + b"\r\n\r\n"))
    assert status in (400, 505)
    assert (headers["content-type"], json.loads(body)["error"]["code"]) == ("application/json", "bad_request")


def test_what_is_refused_is_counted(service):
    def counted(status):
        line = f'nameko_http_requests_total{{endpoint="other",http_method="other",status_code="{status}"}} '
        text = service.request("GET", "/metrics").body.decode()
        return sum(float(found.split()[-1]) for found in text.splitlines() if found.startswith(line))

    refused = {
        400: b"GET\r\n\r\n",
        414: b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\n\r\n",
        431: POST + b"X: " + b"x" * 10_000 + b"\r\n\r\n",
        505: b"GET / HTTP/2.0\r\n\r\n",
    }
    before = {status: counted(status) for status in refused}
    for status, sent in refused.items():
        only_answer(service.raw(sent), status)
    assert {status: counted(status) - before[status] for status in refused} == dict.fromkeys(refused, 1)


def test_pipelined_requests_are_answered_in_order(service):
    request = POST + b"Content-Length: 13\r\n\r\n" + BODY
    assert [status for status, _, _ in answers(service.raw(request + POST + b"\r\n" + request))] == [200, 400, 200]


def test_an_empty_line_before_a_request_is_no_part_of_it(service):
    request = POST + b"Content-Length: 13\r\n\r\n" + BODY
    assert [status for status, _, _ in answers(service.raw(b"\r\n" + request + b"\r\n" + request))] == [200, 200]
    # One that a client sends after its last body, and then leaves, begins none.
    assert [status for status, _, _ in answers(service.raw(request + b"\r\n"))] == [200]
    only_answer(service.raw(b"\r\n\r\n" + request), 400)


@pytest.mark.parametrize(
    ("version", "header", "expected"),
    [
        (b"1.1", b"", None), (b"1.1", b"Connection: close\r\n", "close"), (b"1.0", b"", "close"),
        (b"1.0", b"Connection: keep-alive\r\n", "keep-alive"), (b"1.1", b"Connection: Close, TE\r\n", "close"),
        (b"1.1", b"Connection: TE\r\nConnection: close\r\n", "close"), (b"1.1", b"Connection: TE\r\n", None),
        (b"1.0", b"Connection: TE , Keep-Alive\r\n", "keep-alive"),
    ],
)  # fmt: skip
def test_a_connection_stays_as_the_client_asks(service, version, header, expected):
    request = b"POST /echo HTTP/" + version + b"\r\nHost: x\r\n" + header + b"Content-Length: 13\r\n\r\n" + BODY
    found = answers(service.raw(request + request))
    assert [headers.get("connection") for _, headers, _ in found] == [expected] * (1 if expected == "close" else 2)


def test_a_client_that_leaves_in_the_middle_is_no_error(service, caplog):
    for sent in (b"", b"GET", POST, POST + b"Content-Length: 13\r\n\r\n{"):
        with socket.create_connection(("127.0.0.1", service.port), DEADLINE) as sock:
            sock.sendall(sent)
            # Closing with this set resets the connection.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    assert service.request("GET", "/health").status == 200
    assert not bugs(caplog)


@given(sent=st.binary(max_size=300) | st.builds(lambda tail: POST + tail, st.binary(max_size=300)))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_sent_each_answer_is_an_error_in_json(service, sent):
    for status, headers, body in answers(service.raw(sent)):
        assert 400 <= status < 500
        assert headers["content-type"] == "application/json"
        assert json.loads(body)["error"]["message"]
