"""A release of a service is installed on this host, verified by hash before anything of it is used."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: service_release
short_description: A release of a service is installed on this host
description:
  - Verifies every wheel of an unpacked release and its contract against its manifest, and the manifest against the
    hash that the controller gives, then installs them offline into a virtual environment beside what runs. The
    release appears under its name in one rename, or not at all.
options:
  source: {description: The unpacked release (see fleet.release)., type: path, required: true}
  manifest_sha256: {description: SHA-256 of the controller's manifest.json., type: str, required: true}
  destination: {description: Where the release is to be., type: path, required: true}
  uv: {description: The uv program., type: path, required: true}
"""

CONTRACT = "contract.json"

# Into its cache uv unpacks each wheel once; releases share the files by hard links.
UV_ENVIRONMENT = {
    "UV_CACHE_DIR": "/var/cache/fleet/uv",
    "UV_NO_CONFIG": "1",
    "UV_OFFLINE": "1",
    "UV_PYTHON_DOWNLOADS": "never",
}


class RefusedError(Exception):
    """The release is not what its manifest says, or can't be installed."""


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(source: Path, manifest_sha256: str) -> None:
    """Raise RefusedError with the first difference between the files and their manifest."""
    manifest = source / "manifest.json"
    if sha256(manifest) != manifest_sha256:
        raise RefusedError("manifest.json is not the controller's")
    described = json.loads(manifest.read_text("utf-8"))
    expected = described.get("contract_sha256")  # releases that were built before there were contracts have none
    if expected and (not (source / CONTRACT).is_file() or sha256(source / CONTRACT) != expected):
        raise RefusedError(f"{CONTRACT} is missing or corrupt: its SHA-256 is not the manifest's")
    wheels = {wheel["file"]: wheel["sha256"] for wheel in described["wheels"]}
    there = {path.name for path in (source / "wheels").iterdir()}
    for name in sorted(there ^ set(wheels)):
        raise RefusedError(f"wheel {name} is {'not in the manifest' if name in there else 'missing'}")
    for name, digest in wheels.items():
        if sha256(source / "wheels" / name) != digest:
            raise RefusedError(f"wheel {name} is corrupt: its SHA-256 is not the manifest's")


def install(module: AnsibleModule, source: Path, target: Path) -> None:
    """Make `target` from the verified release: venv, then contract, then manifest."""
    venv = target / "venv"
    create = ["venv", "--relocatable", "--python", "/usr/bin/python3", venv]
    install = ["pip", "install", "--no-index", "--find-links", source / "wheels", "--require-hashes"]
    install += [
        "--compile-bytecode",
        "--python",
        venv / "bin" / "python",
        "--requirements",
        source / "requirements.txt",
    ]
    for arguments in (create, install):
        # Calls are answered meanwhile, and come first.
        command = ["nice", module.params["uv"], "--quiet", *map(str, arguments)]
        code, _, err = module.run_command(command, environ_update=UV_ENVIRONMENT)
        if code:
            raise RefusedError(err.strip() or f"uv {arguments[0]} ended with status {code}")
    if (source / CONTRACT).is_file():
        shutil.copy(source / CONTRACT, target)
    shutil.copy(source / "manifest.json", target)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "source": {"type": "path", "required": True},
            "manifest_sha256": {"type": "str", "required": True},
            "destination": {"type": "path", "required": True},
            "uv": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    source, destination = Path(module.params["source"]), Path(module.params["destination"])
    if (destination / "manifest.json").exists():
        module.exit_json(changed=False)
    if module.check_mode:
        module.exit_json(changed=True)
    unfinished = destination.with_name(f"{destination.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        verify(source, module.params["manifest_sha256"])
        install(module, source, unfinished)
        shutil.rmtree(destination, ignore_errors=True)
        unfinished.rename(destination)
    except (RefusedError, OSError) as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        release = f"{destination.parent.name} {destination.name}"
        module.fail_json(msg=f"{release} is refused on this host, nothing was changed: {error}.")
    module.exit_json(changed=True)


if __name__ == "__main__":
    main()
