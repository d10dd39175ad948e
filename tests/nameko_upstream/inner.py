"""Runs Nameko's own tests, in the process that `upstream.run` starts: everything in it is patched by eventlet."""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402 - nothing may be imported before the patch

import pytest  # noqa: E402

sys.exit(pytest.main(sys.argv[1:], plugins=["plugin"]))
