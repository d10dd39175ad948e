"""Releases: one version of a service with every wheel that it needs, built once and never changed.

A release is the folder `dist/releases/<service>-<version>/`:

    manifest.json     what it is and what it was built from, with the hash of every wheel
    contract.json     what its callers may rely on and what it calls of others (see `fleet.contract`)
    requirements.txt  the same wheels, for `uv pip install --require-hashes`
    wheels/           the service, the chassis and all that they depend on, for the hosts' Python
"""

from fleet.release.build import build
from fleet.release.manifest import built, folder_name, verify

__all__ = ["build", "built", "folder_name", "verify"]
