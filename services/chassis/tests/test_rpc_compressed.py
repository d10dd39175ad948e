"""Calls whose bodies are compressed, as stock Nameko's proxies do it where they are asked to."""

import json
import uuid

import pytest
from kombu.compression import compress

MEBIBYTE = 2**20


def compressed(echo, content, compression, method="size"):
    """Send a body as Nameko's proxies do with `compression`, and return the body of the reply."""
    own = {"correlation_id": str(uuid.uuid4()), "reply_to": echo.raw.reply_to}
    echo.raw.send(f"echo_service.{method}", content, content_type="application/json", content_encoding="utf-8",
                  headers={"compression": compression}, **own)  # fmt: skip
    return echo.raw.reply(own["correlation_id"])


@pytest.mark.parametrize("name", ["gzip", "zlib", "bzip2"])
def test_a_compressed_call_is_answered(echo, name):
    content, compression = compress(json.dumps({"args": ["ö" * MEBIBYTE], "kwargs": {}}), name)
    assert compressed(echo, content, compression) == {"result": MEBIBYTE, "error": None}


GZIP = "application/x-gzip"


@pytest.mark.parametrize(
    ("content", "compression", "reason"),
    [
        (compress("x" * 16 * MEBIBYTE + "x", "gzip")[0], GZIP, "more than 16777216 bytes"),
        (compress("x" * 32 * MEBIBYTE, "bzip2")[0], "application/x-bz2", "more than 16777216 bytes"),
        (compress('{"args": ["x"], "kwargs": {}}', "gzip")[0][:-5], GZIP, "cut off"),
        (b"{}", GZIP, "can't be read"),
        (b"", GZIP, "cut off"),
        (b"{}", "application/x-lzma", "gzip or bzip2, not 'application/x-lzma'"),
        (b"{}", ["a"], "can't be read"),
    ],
    ids=["gzip bomb", "bzip2 bomb", "cut off", "not compressed", "nothing", "another compression", "no text"],
)
def test_a_call_that_is_not_properly_compressed_is_told(echo, content, compression, reason):
    error = compressed(echo, content, compression)["error"]
    assert error["exc_type"] == "MalformedRequest"
    assert reason in error["value"]
    echo.check()
