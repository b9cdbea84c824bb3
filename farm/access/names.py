"""What people call users, keys and the place an upload goes to: checked once, where it comes in."""

from __future__ import annotations

import re
import unicodedata

from farm.errors import Invalid

_USERNAME = re.compile(r"[\w.@+-]{1,64}")  # letters of any script; no blanks, so logs stay readable
_TARGET = re.compile(r"queue|(printer|group):[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LONGEST_KEY_NAME = 64


def usable_username(username: str) -> str | None:
    """The one spelling of a user name, or None when nobody can have it. Any text is taken."""
    spelt = unicodedata.normalize("NFKC", username.strip())
    return spelt if _USERNAME.fullmatch(spelt) else None


def new_username(username: str) -> str:
    """The one spelling of a user name that is about to be given. Raises Invalid."""
    spelt = usable_username(username)
    if spelt is None:
        raise Invalid("A user name is 1 to 64 letters, digits or . _ @ + - without blanks.", "username")
    return spelt


def new_key_name(name: str) -> str:
    """What an API key is called in lists. Raises Invalid."""
    spelt = name.strip()
    if not (0 < len(spelt) <= _LONGEST_KEY_NAME and spelt.isprintable()):
        raise Invalid("Give the key a name of 1 to 64 characters that says where it is used.", "name")
    return spelt


def new_target(target: str | None) -> str | None:
    """Where uploads with a key go when their address says nothing. Raises Invalid."""
    if target is not None and not _TARGET.fullmatch(target):
        raise Invalid("A target is queue, printer:<id> or group:<tag>.", "target")
    return target
