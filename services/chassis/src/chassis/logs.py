"""Structured logs: one JSON line an event, each with the ids of the call it belongs to."""

import json
import logging
import time
from contextvars import ContextVar
from itertools import islice

from eventlet import hubs

# What every line of the current call carries. A greenlet has a context of its own, so calls don't mix.
call_fields = ContextVar("call_fields", default={})  # noqa: B039 - never changed in place
_STANDARD = len(logging.makeLogRecord({}).__dict__)  # the attributes that each record has; what `extra` adds follows
_FORMATTED = {"message", "asctime"}  # what formatters add, others than ours
_encode = json.JSONEncoder(default=str).encode  # json.dumps would make one for each line


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON: time (UTC), level, logger, message, the call's ids, what `extra` added."""

    _clock = None, ""  # a second and its text, for the lines of the same second

    def __init__(self, *args, **keywords):
        super().__init__(*args, **keywords)
        # The logging module's own advice: what no line shows need not be found out. Under eventlet the thread's name
        # alone takes a third of a line's time.
        logging.logThreads = logging.logProcesses = logging.logMultiprocessing = logging.logAsyncioTasks = False
        logging._srcfile = None

    def format(self, record):
        second, fraction = divmod(record.created, 1)
        known, date = self._clock
        if second != known:
            date = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._clock = second, date
        line = {
            "time": f"{date}.{int(fraction * 1000):03d}+00:00",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **call_fields.get(),
        }
        for key, value in islice(record.__dict__.items(), _STANDARD, None):
            if key not in _FORMATTED:
                line[key] = value
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return _encode(line)


class BatchHandler(logging.StreamHandler):
    """Writes to standard error what was logged in a moment in one go.

    Whoever reads the other end wakes for each write, and supervisor takes longer over a line than we do. A warning
    or worse is written at once, and what came before it. A process that is killed loses the last moment.
    """

    PAUSE = 0.05  # seconds
    LINES = 200

    def __init__(self, stream=None):
        super().__init__(stream)
        self._lines, self._timer = [], None

    def handle(self, record):
        """As logging's, but without a lock: there are no threads, and nothing here waits while others run."""
        passed = self.filter(record)
        if passed:
            self.emit(passed if isinstance(passed, logging.LogRecord) else record)
        return passed

    def emit(self, record):
        try:
            line = self.format(record)  # which may log, and so write what is there
            self._lines.append(line)
            if record.levelno >= logging.WARNING or len(self._lines) >= self.LINES:
                self.flush()
            elif self._timer is None:
                self._timer = hubs.get_hub().schedule_call_global(self.PAUSE, self.flush)
        except Exception:  # noqa: BLE001 - as logging's own: a log never ends what it tells of
            self.handleError(record)

    def flush(self):
        """Write what there is; logging calls it too when the process ends."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        lines, self._lines = self._lines, []
        if lines:
            self.stream.write("\n".join(lines) + "\n")
            self.stream.flush()
