"""The lab: system containers on this machine that stand in for the fleet's hosts.

Tests use :class:`Lab`; people use ``python -m lab``. Nothing in roles or playbooks may know
about this package: to them its hosts are plain SSH hosts.
"""

from lab.errors import LabError
from lab.lab import Lab

__all__ = ["Lab", "LabError"]
