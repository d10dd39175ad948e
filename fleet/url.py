"""Where the application answers."""

from __future__ import annotations

from fleet.errors import FleetError
from fleet.inventory import Inventory
from fleet.paths import shown


def base_url(inventory: Inventory) -> str:
    """The base URL of the first HTTP service in the catalogue, through the virtual IP.

    Raises:
        FleetError: the inventory has no virtual IP, or the catalogue no HTTP service.
    """
    vip = inventory.variable("vip", "edge")
    if not vip:
        raise FleetError(f"{shown(inventory.path)} sets no vip: give it an unused address of the edge hosts' subnet.")
    services = inventory.variable("services", "edge") or {}
    ports = [entry["http"]["port"] for entry in services.values() if entry.get("http")]
    if not ports:
        raise FleetError("No service of the catalogue is published: give one `http: {port: 8000}` in services.yml.")
    return f"http://{vip}:{ports[0]}"
