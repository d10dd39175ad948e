"""`make shell`: Nameko's shell on the fleet.

Nameko's own command prints the broker's URI with the password, and its connection is dead once it has been silent
for as long as the balancer allows. So its parts are used, with another banner and a connection that is renewed.
"""

from __future__ import annotations

import sys
import time

from amqp.exceptions import AMQPError
from nameko.cli.shell import ShellRunner
from nameko.standalone.events import event_dispatcher
from nameko.standalone.rpc import ClusterRpcProxy

from fleet.errors import FleetError

# The local balancer on app hosts clears connections away that are silent for 60 s.
IDLE_SECONDS = 45
CALL_SECONDS = 50

BANNER = """Nameko shell on the fleet. Calls end after {seconds} s at most.
  n.rpc.greeting_service.hello(name='world')
  n.dispatch_event('source_service', 'event_type', {{'any': 'data'}})"""


class Helper:
    """What the shell calls `n`."""

    def __init__(self, uri: str):
        self.config = {"AMQP_URI": uri}
        self.dispatch_event = event_dispatcher(self.config)
        self._proxy: ClusterRpcProxy | None = None
        self._services = None
        self._used = 0.0

    @property
    def rpc(self):
        """The services of the fleet, by name. After a pause it is another connection."""
        now = time.monotonic()
        if self._proxy and now - self._used > IDLE_SECONDS:
            self.disconnect()
        if not self._proxy:
            self._proxy = ClusterRpcProxy(self.config, timeout=CALL_SECONDS)
            self._services = self._proxy.start()
        self._used = now
        return self._services

    def disconnect(self) -> None:
        if self._proxy:
            proxy, self._proxy = self._proxy, None
            proxy.stop()


def run(uri: str) -> int:
    """Read Python from the terminal or from standard input until it ends.

    Returns:
        1 when a statement from standard input failed, which ends it, else 0.

    Raises:
        FleetError: the broker refuses the connection.
    """
    helper = Helper(uri)
    try:
        helper.rpc  # noqa: B018 - connects
    except (AMQPError, OSError) as error:
        raise FleetError(
            f"The broker refuses the operator ({error}): type `make deploy`, which sets its users."
        ) from None
    piped = not sys.stdin.isatty()
    if piped:
        # Only what the statements print.
        sys.ps1 = sys.ps2 = ""
    try:
        ShellRunner("" if piped else BANNER.format(seconds=CALL_SECONDS), {"n": helper}).start_shell(None)
    except Exception:  # noqa: BLE001 - any that a statement raises; Nameko's console has shown it
        return 1
    finally:
        helper.disconnect()
    return 0
