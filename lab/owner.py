"""Which clone of the project the lab's disks belong to.

A fleet's passwords lie in an untracked file of the clone that deployed it, so another clone can't
use its disks. A clone made anew in the same folder is another one too: hence the id, which lies
untracked in the clone as the passwords do.
"""

import uuid

from lab.errors import LabError
from lab.paths import OWNER, REPOSITORY, STORE_FILE

CLONE_ID = REPOSITORY / ".lab-clone-id"


def other():
    """The folder of the clone that owns the lab, if that is not this one."""
    if not OWNER.exists():
        # Disks that nobody signed for can't be trusted to be ours.
        return "an unknown folder" if STORE_FILE.exists() else None
    identity, folder = OWNER.read_text().splitlines()
    return None if identity == _identity() else folder


def require():
    """Refuse to touch another clone's lab."""
    if folder := other():
        raise LabError(
            f"The lab belongs to the clone in {folder}: `python -m lab up` here ends its hosts, discards "
            "their disks and makes new ones."
        )


def take():
    """Make this clone the owner."""
    OWNER.parent.mkdir(parents=True, exist_ok=True)
    new = OWNER.with_suffix(".new")
    new.write_text(f"{_identity()}\n{REPOSITORY}\n")
    new.replace(OWNER)


def _identity():
    if not CLONE_ID.exists():
        CLONE_ID.write_text(f"{uuid.uuid4()}\n")
    return CLONE_ID.read_text().strip()
