"""Who this process is, and whether it may take calls."""

import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from nameko.exceptions import ConfigurationError

#: Tells this process from every other one, before and after it, that has its id.
PROCESS = {"pid": os.getpid(), "started": round(time.time(), 3)}
#: Held: it was admitted, and its host is cut off from what all share.
PROBATION, ADMITTED, HELD, DRAINING = STATES = ("probation", "admitted", "held", "draining")


@dataclass(frozen=True)
class Instance:
    """One process of a service: its id in the fleet, its release, and the file with its state."""

    id: str
    service: str
    release: str
    state_file: Path | None = None

    @classmethod
    def from_config(cls, config, service_name):
        """Read the `INSTANCE` setting; without it this is a developer's machine.

        Raises `ConfigurationError` for a setting that lacks `id`, `service` or `release`.
        """
        service = service_name.removesuffix("_service")
        alone = {"id": f"{service}@{socket.gethostname()}", "service": service, "release": "development"}
        settings = config.get("INSTANCE", alone)
        try:
            identity = {key: str(settings[key]) for key in ("id", "service", "release")}
        except (KeyError, TypeError) as error:
            raise ConfigurationError(
                f"The INSTANCE setting must be a mapping with id, service and release (found: {settings!r})."
            ) from error
        state_file = settings.get("state_file")
        return cls(**identity, state_file=Path(state_file) if state_file else None)

    @property
    def identity(self):
        """What answers and log lines say about this process."""
        return {"service": self.service, "release": self.release, "instance": self.id}

    def state(self):
        """Return what the state file says now (one of `STATES`), and what is wrong with the file, if anything.

        It is read each time: it is the one place where an instance is admitted, and neither a restart nor a
        lost message may change that. Where none is configured (a developer's machine) nobody could admit the
        instance, so it is admitted; where it can't be read, it is not.
        """
        if self.state_file is None:
            return ADMITTED, ""
        try:
            state = self.state_file.read_text().strip()
        except OSError as error:
            return PROBATION, f"The state file {self.state_file} can't be read: {error.strerror}."
        if state not in STATES:
            return PROBATION, f"The state file {self.state_file} must hold one of {', '.join(STATES)}."
        return state, ""
