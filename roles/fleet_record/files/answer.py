#!/usr/bin/python3
"""Answers one HTTP request with what the fleet's record tells app hosts: `fleet-record-answer FILE`.

systemd starts it for each connection, which is its standard input and output.
"""

import json
import signal
import sys
from pathlib import Path

SECONDS = 5  # for a request to arrive and its answer to leave
LINES, LENGTH = 100, 8192  # of a request, at most

# As long as there is no record, everything may run that does.
NO_RECORD = {"version": 0, "services": {}}


def request() -> list[str]:
    """The first line's words; all of the head is read, or closing the connection would reset it."""
    first = sys.stdin.buffer.readline(LENGTH)
    for _ in range(LINES):
        if sys.stdin.buffer.readline(LENGTH) in (b"\r\n", b"\n", b""):
            break
    return first.decode("latin-1").split()


def content(path: Path) -> tuple[str, bytes]:
    try:
        found = path.read_bytes()
        json.loads(found)
    except FileNotFoundError:
        return "200 OK", json.dumps(NO_RECORD).encode()
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{path} can't be read: {error}\n")
        return "503 Service Unavailable", b'{"error": "The record of this host can\'t be read."}'
    return "200 OK", found


def main() -> None:
    signal.alarm(SECONDS)  # ends the process
    words = request()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        status, body = "400 Bad Request", b'{"error": "This is no HTTP request."}'
    elif words[0] != "GET":
        status, body = "405 Method Not Allowed", b'{"error": "Use GET."}'
    else:
        status, body = content(Path(sys.argv[1]))
    head = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", "Connection: close"]
    if status.startswith("405"):
        head.append("Allow: GET")
    sys.stdout.buffer.write("\r\n".join([*head, "", ""]).encode() + body)


if __name__ == "__main__":
    main()
