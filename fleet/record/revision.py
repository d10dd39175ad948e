"""What the record tells app hosts."""

from __future__ import annotations

from collections.abc import Mapping


def public(record: Mapping) -> dict:
    """Which revisions of each service may take calls on a host that comes back, with the record's version."""
    services = {name: [one["revision"]] for name, one in record["services"].items()}
    if roll := record["roll"]:
        for name, change in roll["services"].items():
            # What is being withdrawn comes back with no host.
            sides = ("from",) if roll["phase"] == "withdrawing" else ("from", "to")
            revisions = [change[side]["revision"] for side in sides if change[side]]
            services[name] = list(dict.fromkeys(revisions))
    return {"version": record["version"], "services": services}
