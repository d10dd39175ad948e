"""The command line: `python -m chassis.prove CONFIG... [--module NAME] [--timeout SECONDS] [--settle SECONDS]`."""

import argparse
import json
import os
import signal
import sys

import yaml
from nameko.cli.main import setup_yaml_parser
from nameko.exceptions import ConfigurationError

from chassis.prove.errors import one_line
from chassis.prove.proof import Proof, document, prove_all
from chassis.prove.smoke import SmokeModuleError, smoke_function
from chassis.prove.subject import Subject

GRACE = 15  # seconds over the time that a proof may take, after which something holds the whole process


def main(arguments):
    """Prove what the arguments name, print the document, and return the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not __debug__:
        parser.error("Smoke calls are assertions: run Python without -O and PYTHONOPTIMIZE.")
    setup_yaml_parser()
    subjects = [_subject(parser, path) for path in options.config]
    for name, number in ((one.id, sum(other.id == one.id for other in subjects)) for one in subjects):
        if number > 1:
            parser.error(f"{name} is named {number} times: each CONFIG must be another instance's.")
    proofs = [
        Proof(subject, _smoke(parser, options.module or f"{subject.service}.service"), options.timeout, options.settle)
        for subject in subjects
    ]
    _bound(proofs, options.timeout + options.settle + GRACE)
    prove_all(proofs)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return _tell(proofs)


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m chassis.prove",
        description="Prove instances on this host: ready, smoke calls answered, still running. Prints JSON.",
        epilog="Exit code: 0 if all are proven, 1 if not, 2 if it was called wrongly.",
    )
    parser.add_argument("config", nargs="+", help="an instance's configuration, as for `nameko run --config`")
    parser.add_argument("--module", help="the service's module; smoke calls are in `smoke` beside it (SERVICE.service)")
    parser.add_argument(
        "--timeout", type=_seconds, default=30, help="seconds to get ready and answer the smoke calls (30)"
    )
    parser.add_argument("--settle", type=_seconds, default=5, help="seconds that each must have run at last (5)")
    return parser


def _seconds(text):
    seconds = float(text)
    if not 0 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"must be 0 to 3600 seconds, not {text}")
    return seconds


def _subject(parser, path):
    try:
        with open(path) as file:  # noqa: PTH123 - it is the user's path, as it is written
            config = yaml.safe_load(file)
        if not isinstance(config, dict):
            raise ConfigurationError("it must be a mapping of settings, as for `nameko run --config`.")
        return Subject(config)
    except OSError as error:
        parser.error(f"{path} can't be read: {error.strerror}.")
    except (ConfigurationError, yaml.YAMLError, UnicodeError) as error:
        parser.error(f"{path}: {one_line(error)}.")


def _smoke(parser, module):
    try:
        return smoke_function(module)
    except SmokeModuleError as error:
        return error
    except (ImportError, ValueError) as error:
        parser.error(f"{module} is not in this Python's packages ({one_line(error)}): give --module PACKAGE.service.")


def _bound(proofs, seconds):
    """Also smoke calls that wait for nothing, and so let nothing else run, come to an end."""

    def end(_signal, _frame):
        code = _tell(proofs)
        os._exit(code or 1)  # nothing in this process can be relied upon to end

    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _tell(proofs):
    told = document(proofs)
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    return 0 if told["ok"] else 1
