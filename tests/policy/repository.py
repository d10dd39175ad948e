"""The repository as data for the policy tests."""

import subprocess
from pathlib import Path

import yaml

from fleet.paths import ROOT

ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))


def tracked_files() -> list[Path]:
    """The files that git knows, as they stand in the work tree."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [ROOT / name for name in names.split("\0") if name]
    return [path for path in paths if path.is_file()]


def load(path: Path, default: object = None) -> object:
    """A YAML file's content, or the default where there is none."""
    return yaml.safe_load(path.read_text("utf-8")) if path.is_file() else default


def tasks(content: object) -> list[dict]:
    """All tasks in a list of plays or tasks, those in blocks included."""
    found = []
    for item in content or []:
        inner = [part for key in ("pre_tasks", "tasks", "post_tasks", "handlers") for part in item.get(key) or []]
        inner += [part for key in ("block", "rescue", "always") for part in item.get(key) or []]
        found += tasks(inner) if inner else [item] if "hosts" not in item else []
    return found


def task_files() -> list[Path]:
    """Every file with tasks: playbooks, and the parts of playbooks and roles."""
    return [
        *PLAYBOOKS,
        *sorted((ROOT / "playbooks" / "tasks").glob("*.yml")),
        *sorted(ROOT.glob("roles/*/tasks/*.yml")),
    ]
