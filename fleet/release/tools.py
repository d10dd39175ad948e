"""Running the programs that build, so that the same input gives the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from fleet.errors import FleetError

# Goes into wheels wherever a time does: the first that a zip file can hold, 1980-01-01 00:00 UTC.
EPOCH = "315532800"

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
UV = [str(Path(sys.executable).with_name("uv")), "--no-config", "--quiet"]


def run(command: list[str], doing: str) -> None:
    """Run one of the tools.

    Raises:
        FleetError: it failed; says what it was `doing` and gives the tool's last words.
    """
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH, "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
    # Modes of files go into wheels, too.
    result = subprocess.run(command, env=environment, capture_output=True, text=True, umask=0o022, check=False)
    if result.returncode:
        lines = [line.strip() for line in result.stderr.splitlines() if line.strip()]
        errors = [line for line in lines if line.lower().startswith(("error", "cause"))]
        raise FleetError(f"{doing} failed: {' '.join(errors or lines[-1:]) or 'it said nothing'}")
