"""What a line of the log holds."""

import io
import json
import logging
import sys
from contextvars import copy_context
from datetime import UTC, datetime

import pytest
from chassis.logs import BatchHandler, JsonFormatter, call_fields


@pytest.fixture
def formatter(monkeypatch):
    for setting in ("logThreads", "logProcesses", "logMultiprocessing", "_srcfile"):
        monkeypatch.setattr(logging, setting, getattr(logging, setting))
    monkeypatch.setattr(logging, "logAsyncioTasks", True, raising=False)
    return JsonFormatter()


def record(message="Hello", *args, created=None, exc_info=None, **extra):
    made = logging.getLogger("chassis.test").makeRecord(
        "chassis.test", logging.WARNING, __file__, 1, message, args, exc_info, extra=extra
    )
    made.created = created or made.created
    return made


def test_a_line_holds_time_level_logger_message_and_what_was_added(formatter):
    line = formatter.format(record("%s of %d", "one", 2, created=1764089152.1239, event="call", duration_ms=1.5))

    assert "\n" not in line
    assert list(json.loads(line).items()) == [
        ("time", "2025-11-25T16:45:52.123+00:00"),
        ("level", "warning"),
        ("logger", "chassis.test"),
        ("message", "one of 2"),
        ("event", "call"),
        ("duration_ms", 1.5),
    ]


@pytest.mark.parametrize("created", [1764089152.0, 1764089152.999, 1764089153.5, 1764089152.25, 1.001])
def test_lines_in_any_order_have_their_own_time(formatter, created):
    formatter.format(record(created=1764089152.7))
    found = datetime.fromisoformat(json.loads(formatter.format(record(created=created)))["time"])

    assert found.tzinfo == UTC
    assert 0 <= created - found.timestamp() < 0.0011


def test_a_line_carries_the_ids_of_the_call_it_belongs_to(formatter):
    def within():
        call_fields.set({"call_id": "a.b.1"})
        return json.loads(formatter.format(record()))

    assert copy_context().run(within)["call_id"] == "a.b.1"
    assert "call_id" not in json.loads(formatter.format(record()))


def test_an_errors_traceback_is_in_its_line(formatter):
    try:
        raise ValueError("no")
    except ValueError:
        line = json.loads(formatter.format(record(exc_info=sys.exc_info())))
    assert line["traceback"].endswith("ValueError: no")


def test_a_line_is_the_same_after_another_formatter(formatter):
    told = record(event="call")
    line = formatter.format(told)
    logging.Formatter("%(asctime)s %(message)s").format(told)
    assert formatter.format(told) == line


def test_what_json_has_no_form_for_is_told_as_text(formatter):
    assert json.loads(formatter.format(record(what={1}, name_="é\n")))["what"] == "{1}"


def test_what_a_handlers_filter_drops_is_not_written(formatter):
    stream = io.StringIO()
    handler = BatchHandler(stream)
    handler.setFormatter(formatter)
    handler.addFilter(lambda told: told.name != "chatty")
    for name in ("chatty", "calm"):
        handler.handle(logging.makeLogRecord({"name": name, "levelno": logging.WARNING, "msg": "so"}))

    assert [json.loads(line)["logger"] for line in stream.getvalue().splitlines()] == ["calm"]


def test_a_handlers_filter_may_put_another_record_in_its_place(formatter):  # since Python 3.12
    stream = io.StringIO()
    handler = BatchHandler(stream)
    handler.setFormatter(formatter)
    handler.filter = lambda _: record("another")
    handler.handle(record("one"))

    assert json.loads(stream.getvalue())["message"] == "another"


def test_a_line_is_not_lost_when_writing_it_down_logs_another(formatter):
    class Chatty:
        def __str__(self):
            handler.handle(record("within"))
            return "so"

    stream = io.StringIO()
    handler = BatchHandler(stream)
    handler.setFormatter(formatter)
    handler.handle(record("without", what=Chatty()))

    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["within", "without"]
