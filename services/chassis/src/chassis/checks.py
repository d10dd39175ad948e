"""Rules for values that several services take, each written once."""

import re
import unicodedata

from chassis.errors import Invalid

NAME_LENGTH = 200  # characters
LIMIT = 50  # items on a page of a list, unless the caller says how many
LIMIT_MAX = 200
_ID = re.compile(r"[0-9a-f]{32}")
_FORBIDDEN = {"Cc": "a control character", "Cs": "half of a surrogate pair"}


def is_id(value):
    """Whether `value` has the form of an id that a service gave out: 32 lower-case hex digits."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def checked_name(value, field="name"):
    """Return `value` if it is a name: text of 1 to 200 characters without control characters.

    Raises `Invalid`, which names `field`.
    """
    if not isinstance(value, str):
        raise Invalid(f"{field} must be text.")
    if not 1 <= len(value) <= NAME_LENGTH:
        raise Invalid(f"{field} must have 1 to {NAME_LENGTH} characters, not {len(value)}.")
    for character in value:
        if fault := _FORBIDDEN.get(unicodedata.category(character)):
            raise Invalid(f"{field} must not contain {fault}, such as U+{ord(character):04X}.")
    return value
