"""Lets the services' tests import what they test from its source."""

import sys
from pathlib import Path

sys.path[:0] = sorted(str(path) for path in Path(__file__).parent.glob("services/*/src"))
