"""Structured logs: one JSON line an event, each with the ids of the call it belongs to."""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime

# What every line of the current call carries. A greenlet has a context of its own, so calls don't mix.
call_fields = ContextVar("call_fields", default={})  # noqa: B039 - never changed in place
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON: time (UTC), level, logger, message, the call's ids, what `extra` added."""

    def format(self, record):
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **call_fields.get(),
            **{key: value for key, value in record.__dict__.items() if key not in _STANDARD},
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
