"""Until when a call, and every call that it causes, must have ended."""

import time
from contextlib import contextmanager
from contextvars import ContextVar

from nameko.exceptions import ConfigurationError

TIMEOUT_MAX = 24 * 3600  # seconds; anything over it is a mistake

# On the monotonic clock of this process. A greenlet has a context of its own, so calls don't mix.
_until = ContextVar("until", default=None)


@contextmanager
def deadline(seconds):
    """Give every call that is made in the block `seconds` from now, all together.

    Of several deadlines (of blocks around this one, of the call that is being served) the nearest counts. Greenlets
    that are spawned in the block are not in it. Raises `ValueError` unless `seconds` is a number over 0 and at most a
    day.
    """
    until = time.monotonic() + checked_timeout(seconds)
    token = _until.set(nearest(until, _until.get()))
    try:
        yield
    finally:
        _until.reset(token)


def until(seconds, served_until=None):
    """When a call that may take `seconds` from now must have ended; one that is made by a call being served, with it.

    What is served has its deadline said here, rather than in the context: a greenlet that it spawns has that too.
    """
    return nearest(nearest(time.monotonic() + seconds, _until.get()), served_until)


def nearest(until, other):
    """The earlier of two deadlines, of which the second may be None."""
    return until if other is None else min(until, other)


def checked_timeout(seconds):
    """Return `seconds` if it is a number over 0 and at most a day; raise `ValueError` if not."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= TIMEOUT_MAX:
        raise ValueError(f"A timeout must be a number of seconds over 0 and at most {TIMEOUT_MAX}, not {seconds!r}.")
    return seconds


def seconds_text(seconds):
    """A duration for people: plain digits, to the millisecond, and never none."""
    return f"{max(seconds, 0.001):.3f}".rstrip("0").rstrip(".") + " s"


def timeout_setting(config, name, default):
    """A setting that is a timeout. `ConfigurationError` if it is none."""
    seconds = config.get(name)
    if seconds is None:
        return default
    try:
        return checked_timeout(seconds)
    except ValueError as error:
        raise ConfigurationError(f"{name}: {error}") from None
