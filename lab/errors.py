"""What the lab raises."""


class LabError(Exception):
    """Something that an operator must know, as one sentence; exit status 1."""


class UsageError(LabError):
    """A request that can't be carried out as typed, or not on this machine; exit status 2."""
