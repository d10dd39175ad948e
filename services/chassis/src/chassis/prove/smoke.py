"""Runs the smoke calls of a release: `def smoke(instance)` in the module `smoke` beside the service's own."""

import importlib
import importlib.util
import sys
import time
import traceback
from pathlib import Path

import eventlet

from chassis.prove.errors import Unproven, fault, one_line

CALL_SECONDS = 10  # at most that one call may take
LEAST_SECONDS = 2  # that a call has even so late that nothing is left: what was made is to be deleted
LABEL_MAX = 200  # characters


class SmokeModuleError(Exception):
    """The smoke calls can't be run; one sentence."""


def smoke_function(module):
    """The smoke calls that go with a service's module, such as `greeting.service`, or None if it has none.

    `SmokeModuleError` if they are broken, `ImportError` if there is no such package.
    """
    package = module.rpartition(".")[0]
    name = f"{package}.smoke" if package else "smoke"
    if importlib.util.find_spec(name) is None:
        return None
    try:
        smoke = getattr(importlib.import_module(name), "smoke", None)
    except Exception as error:
        raise SmokeModuleError(f"{name} can't be imported: {type(error).__name__}: {one_line(error)}.") from error
    if not callable(smoke):
        raise SmokeModuleError(f"{name} has no function smoke(instance).")
    return smoke


class SmokeInstance:
    """What `smoke` gets: one instance, called itself and nobody else.

    Attributes:
        id: the instance's id in the fleet.
        calls: what was called, with its label and the seconds that it took.
        last: the label of the last call, but for those that clean up after an error; None before the first.
        failures: the errors that calls ended with, and their labels.
    """

    def __init__(self, subject, until):
        self._subject, self._until = subject, until
        self.id = subject.id
        self.calls, self.last, self.failures = [], None, []

    def call(self, method, *args, **kwargs):
        """Call an RPC method. Returns and raises what `chassis.rpc.RpcProxy` would."""
        return self.call_as(None, method, *args, **kwargs)

    def call_as(self, call_id, method, *args, **kwargs):
        """As `call`, under an id that you choose, from which what the call makes may derive its own (`Call`)."""
        texts = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
        label = f"{method}({', '.join(texts)})"
        return self._timed(label, lambda seconds: self._subject.call(method, args, kwargs, seconds, call_id))

    def http(self, method, path, json=None, headers=None):
        """Send a request, with `json` as its body if given. Returns its status, headers, body and `json`."""
        return self._timed(f"{method} {path}", lambda seconds: self._subject.http(method, path, seconds, json, headers))

    def _timed(self, label, call):
        label = one_line(label)[:LABEL_MAX]
        if sys.exc_info()[1] is None:  # else it is made in an `except` or `finally`
            self.last = label
        began = time.monotonic()
        try:
            return call(max(LEAST_SECONDS, min(CALL_SECONDS, self._until - began)))
        except Exception as error:
            self.failures.append((error, label))
            raise
        finally:
            self.calls.append({"call": label, "seconds": round(time.monotonic() - began, 3)})

    def failed(self, error):
        """The label of the call that ended with this very error, or None."""
        return next((label for one, label in self.failures if one is error), None)


def run(smoke, instance, name, seconds):
    """Run the smoke calls. `Unproven` with the sentence that says which failed, and how."""
    try:
        # Later than the last call's deadline, which says more.
        with eventlet.Timeout(seconds + LEAST_SECONDS) as timeout:
            smoke(instance)
    except eventlet.Timeout as error:
        if error is not timeout:
            raise
        last = f"; the last was {instance.last}" if instance.last else ""
        raise Unproven(f"{name} was not through with its smoke calls in time{last}.") from None
    except AssertionError as error:
        raise Unproven(f"{name} {_wrong(instance, error)}.") from error
    except OSError as error:
        if (label := instance.failed(error)) is None:
            raise Unproven(f"{name} {_failed(instance, error)}.") from error
        raise Unproven(f"{name} did not answer the smoke call {label} ({fault(error)}).") from error
    except Exception as error:
        raise Unproven(f"{name} {_failed(instance, error)}.") from error


def _wrong(instance, error):
    text = one_line(error) or f"see {_line(error)}"
    if instance.last is None:
        return f"failed its smoke calls before the first of them: {text}"
    return f"answered the smoke call {instance.last} wrongly: {text}"


def _failed(instance, error):
    text = f"{type(error).__name__}: {one_line(error)}"
    if label := instance.failed(error):
        return f"failed the smoke call {label}: {text}"
    after = f" after {instance.last}" if instance.last else ""
    return f"could not be judged by its smoke calls{after}: {text} ({_line(error)})"


def _line(error):
    """Where in the smoke module it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    frame = next((frame for frame in reversed(frames) if Path(frame.filename).name == "smoke.py"), frames[-1])
    return f"{Path(frame.filename).name}, line {frame.lineno}"
