"""Where the application answers."""

from __future__ import annotations

from fleet import catalogue
from fleet.errors import FleetError
from fleet.inventory import Inventory
from fleet.paths import CATALOGUE, shown


def base_url(inventory: Inventory) -> str:
    """The base URL of the first HTTP service in the catalogue, through the virtual IP.

    Raises:
        FleetError: the inventory has no virtual IP, or the catalogue isn't sound or has no HTTP service.
    """
    vip = inventory.variable("vip", "edge")
    if not vip:
        raise FleetError(f"{shown(inventory.path)} sets no vip: give it an unused address of the edge hosts' subnet.")
    services = inventory.variable("services", "edge")
    complete = catalogue.complete(services) if services else {}
    published = {name: entry for name, entry in complete.items() if entry["http"]}
    if not published:
        raise FleetError("No service of the catalogue is published: give one `http: {port: 8000}` in services.yml.")
    first = next((name for name in _order(inventory) if name in published), None) or next(iter(published))
    return f"http://{vip}:{published[first]['http']['port']}"


def _order(inventory: Inventory) -> list[str]:
    """The services in the order of the catalogue that the inventory has beside it: Ansible tells them sorted."""
    path = inventory.path.parent / CATALOGUE.relative_to(CATALOGUE.parents[2])
    return list(catalogue.load(path) or ()) if path.is_file() else []
