"""`python -m chassis.prove`: what has to be before anything else, and the command."""

import eventlet

eventlet.monkey_patch()  # before anything else is imported: instances are proven at the same time

# ruff: noqa: E402
import logging
import sys

from chassis.prove.command import main

if __name__ == "__main__":
    logging.disable()  # what matters is in the document
    sys.exit(main(sys.argv[1:]))
