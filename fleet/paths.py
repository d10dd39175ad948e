"""Where things are in this clone of the repository."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache"
CATALOGUE = ROOT / "inventory" / "group_vars" / "all" / "services.yml"
INVENTORY = ROOT / "inventory" / "lab.yml"
RELEASES = ROOT / "dist" / "releases"
SERVICES = ROOT / "services"
CHASSIS = SERVICES / "chassis"


def shown(path: Path) -> str:
    """A path as an operator would type it: from here when it is below this folder."""
    path = path.absolute()
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
