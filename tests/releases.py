"""Releases that tests make: a service's source with some texts replaced, under another version."""

import shutil
import subprocess
import sys

from fleet.paths import ROOT


def build(folder, service, release, *changes, source=None):
    """Build a release of a service into dist/releases; the folder of the release.

    Args:
        folder: an empty one for the changed source.
        service: the name that the release gets.
        release: its version.
        changes: each a path in the source, a text there and what is to stand in its place; or the path alone of a file
            that is to be gone.
        source: the service whose source it is, if not its own.
    """
    shutil.copytree(ROOT / "services" / (source or service), folder, dirs_exist_ok=True)
    version = ("pyproject.toml", 'version = "1.0.0"', f'version = "{release}"')
    for path, *texts in (version, *changes):
        if not texts:
            (folder / path).unlink()
            continue
        old, new = texts
        text = (folder / path).read_text()
        assert old in text, (path, old)
        (folder / path).write_text(text.replace(old, new))
    target = ROOT / f"dist/releases/{service}-{release}"
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "fleet", "release", service, "--source", folder], cwd=ROOT, check=True)
    return target
