"""Small packages on disk for tests that build releases: no network, no index."""

import hashlib
import io
import tarfile
import zipfile
from pathlib import Path


def write_wheel(index: Path, name: str, version: str = "1.0") -> Path:
    """A wheel with one empty module."""
    path = index / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", "")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path


def write_sdist(index: Path, name: str, setup: str, version: str = "1.0") -> Path:
    """A source archive with a setup.py, as packages that have no wheel come."""
    path = index / f"{name}-{version}.tar.gz"
    files = {
        "setup.py": setup.format(name=name, version=version),
        f"{name}.py": "",
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
    }
    with tarfile.open(path, "w:gz") as archive:
        for file, text in files.items():
            member = tarfile.TarInfo(f"{name}-{version}/{file}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def locked(*files: Path) -> str:
    """The text of a lock file that demands these files."""
    lines = []
    for path in files:
        name, version = path.name.removesuffix(".tar.gz").removesuffix("-py3-none-any.whl").split("-")
        lines.append(f"{name}=={version} \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n")
    return "".join(lines)


def write_source(folder: Path, name: str, package: str, dependencies: list[str], lock: str = "") -> Path:
    """A package as those in services/ are."""
    (folder / "src" / package).mkdir(parents=True)
    (folder / "src" / package / "__init__.py").write_text("")
    (folder / "src" / package / "service.py").write_text("class Service:\n    name = 'x'\n")
    (folder / "pyproject.toml").write_text(
        f"""
        [build-system]
        requires = ["hatchling"]
        build-backend = "hatchling.build"
        [project]
        name = "{name}"
        version = "1.0.0"
        requires-python = ">=3.11"
        dependencies = {dependencies}
        readme = "README.md"
        [tool.hatch.build.targets.wheel]
        packages = ["src/{package}"]
        [tool.fleet]
        module = "{package}.service"
        """
    )
    (folder / "README.md").write_text("What it is.\n")
    (folder / "requirements.lock").write_text(lock)
    return folder
