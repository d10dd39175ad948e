"""One core host's copy of the fleet's record and of the fleet's lock."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: fleet_record
short_description: One core host's copy of the fleet's record and of the fleet's lock
description:
  - What they mean, and what a majority of the core hosts says, is the affair of C(fleet.record) on the controller.
  - A file is written whole or not at all, and is on the disk when the module ends. Modules that run at the same time
    on one host wait for each other.
  - In check mode it says what would be.
options:
  state:
    description:
      - C(read) changes nothing. C(write) keeps O(document), unless another of its version or a newer one is here.
      - C(lock) takes the lock for O(lock) where it is free, or held with a token in O(replacing). C(unlock)
        frees it where it is held with O(token), or at all with O(any).
    type: str
    choices: [read, write, lock, unlock]
    default: read
  document: {description: The record., type: dict}
  public: {description: What app hosts may know of it., type: dict}
  lock: {description: "The lock, as C(fleet.record.lock) makes it.", type: dict}
  replacing: {description: Tokens of locks to take over., type: list, elements: str, default: []}
  token: {description: Of the lock to free., type: str}
  any: {description: Free it whoever has it., type: bool, default: false}
"""

EXAMPLES = r"""
- name: The lock is this run's
  fleet_record: {state: lock, lock: "{{ wanted }}", replacing: "{{ judgement.replacing }}"}
"""

RETURN = r"""
record: {description: The record that is here, null without one., type: dict, returned: always}
public: {description: What app hosts are told of it, null where nothing is kept for them., type: dict, returned: always}
lock: {description: The lock that is here, null when it is free., type: dict, returned: always}
done: {description: Whether what was asked for is so here now., type: bool, returned: always}
broken: {description: "Files that can't be read, in sentences; empty when all is sound.", type: str, returned: always}
broken_parts: {description: "Which they are, of record, public and lock.", type: list, returned: always}
"""

FOLDER = "/var/lib/fleet/record"
# Each with a key that it can't be without.
PARTS = {"record": ("version", int), "public": ("version", int), "lock": ("token", str)}


def load(folder: Path, part: str) -> tuple[dict | None, str]:
    """A file's content, None without one; and what is wrong with it."""
    path = folder / f"{part}.json"
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None, ""
    except ValueError as error:
        return None, f"{path} is corrupt: {error}."
    except OSError as error:
        return None, f"{path} can't be read: {error.strerror}."
    key, kind = PARTS[part]
    if not isinstance(content, dict) or not isinstance(content.get(key), kind):
        return None, f"{path} is corrupt: it has no {key}."
    return content, ""


def sync(folder: Path) -> None:
    """The names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def store(folder: Path, part: str, content: dict | None) -> None:
    """Replace a file at once; None removes it."""
    path = folder / f"{part}.json"
    if content is None:
        path.unlink(missing_ok=True)
    else:
        new = folder / f".{part}.json.new"
        with new.open("w", encoding="utf-8") as file:
            json.dump(content, file, indent=1, sort_keys=True)
            file.write("\n")
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        new.replace(path)
    sync(folder)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """No other such module changes anything here meanwhile. The kernel ends this with the process."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True, mode=0o755)
        sync(folder.parent)
    with (folder / ".changing").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def written(there: dict, broken: list[str], wanted: dict) -> tuple[bool, dict]:
    record, document = there["record"], wanted["document"]
    if record and record != document and record["version"] >= document["version"]:
        return False, {}
    return True, {
        part: content
        for part, content in (("record", document), ("public", wanted["public"]))
        if there[part] != content or part in broken
    }


def locked(there: dict, broken: list[str], wanted: dict) -> tuple[bool, dict]:
    if "lock" in broken:
        return False, {}
    held, lock = there["lock"], wanted["lock"]
    if held and held["token"] == lock["token"]:
        return True, {}
    free = held is None or held["token"] in wanted["replacing"]
    return free, {"lock": lock} if free else {}


def unlocked(there: dict, broken: list[str], wanted: dict) -> tuple[bool, dict]:
    held = there["lock"]
    own = held is not None and held["token"] == wanted["token"]
    goes = own or (wanted["any"] and (held is not None or "lock" in broken))
    return True, {"lock": None} if goes else {}


# What each state makes of what is here: whether it is so then, and the parts that change for it.
DECISIONS = {"write": written, "lock": locked, "unlock": unlocked}


def result(folder: Path, wanted: dict, *, check: bool) -> dict:
    """Do what is asked for (with `check`, tell what would be) and say what is here then."""
    if wanted["state"] == "read" or (check and not folder.is_dir()):
        return decide(folder, wanted, check=True)
    with alone(folder):
        return decide(folder, wanted, check=check)


def decide(folder: Path, wanted: dict, *, check: bool) -> dict:
    loaded = {part: load(folder, part) for part in PARTS}
    there = {part: content for part, (content, _) in loaded.items()}
    broken = [part for part, (_, sentence) in loaded.items() if sentence]
    decision = DECISIONS.get(wanted["state"])
    done, changes = decision(there, broken, wanted) if decision else (True, {})
    if not check:
        # In this order: of a newer record app hosts may learn later, but never of one that isn't kept.
        for part in sorted(changes, key=list(PARTS).index):
            store(folder, part, changes[part])
    broken = [part for part in broken if part not in changes]
    return {
        "changed": bool(changes),
        "done": done,
        **there,
        **changes,
        "broken": " ".join(loaded[part][1] for part in broken),
        "broken_parts": broken,
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["read", *DECISIONS], "default": "read"},
            "document": {"type": "dict"},
            "public": {"type": "dict"},
            "lock": {"type": "dict"},
            "replacing": {"type": "list", "elements": "str", "default": [], "no_log": False},
            # No secret: whoever may change the file may take the lock.
            "token": {"type": "str", "no_log": False},
            "any": {"type": "bool", "default": False},
        },
        required_if=[
            ("state", "write", ["document", "public"]),
            ("state", "lock", ["lock"]),
            ("state", "unlock", ["token", "any"], True),
        ],
        supports_check_mode=True,
    )
    try:
        module.exit_json(**result(Path(FOLDER), module.params, check=module.check_mode))
    except OSError as error:
        module.fail_json(msg=f"The fleet's record in {FOLDER} can't be changed: {error}.")


if __name__ == "__main__":
    main()
