"""Which hosts a verb has shut down that are to run again at its end.

On the disk, so that the same verb, after an interruption, still knows them.
"""

from lab.paths import RESUME


def pending():
    """Names of hosts that wait to be booted again."""
    return set(RESUME.read_text().split()) if RESUME.exists() else set()


def note(hosts):
    """The named hosts are about to be shut down for a moment."""
    _write(pending() | set(hosts))


def forget(hosts):
    """The named hosts run again, or are not to."""
    if names := pending() & set(hosts):
        _write(pending() - names)


def _write(names):
    new = RESUME.with_suffix(".new")
    new.write_text("".join(f"{name}\n" for name in sorted(names)))
    new.replace(RESUME)
