"""API keys as text: `farm_<id>_<secret>`. The secret is shown once and kept only as its SHA-256."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from datetime import datetime

from farm.domain.user import ApiKey, Principal
from farm.errors import Unauthenticated

PREFIX = "farm_"

# 256 random bits need no slow hash: there is nothing to guess. The id has no underscore, the secret may.
_KEY = re.compile(r"farm_([0-9a-z]{12})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class KeyText:
    """A key as a program sends it, taken apart."""

    id: str
    secret: str = field(repr=False)

    def __str__(self) -> str:
        return f"{PREFIX}{self.id}_{self.secret}"


def parse(text: str) -> KeyText | None:
    """The parts of a key, or None when the text is not of that shape."""
    match = _KEY.fullmatch(text)
    return KeyText(match[1], match[2]) if match else None


def hashed(secret: str) -> str:
    """What the store keeps of a secret: hexadecimal SHA-256."""
    return hashlib.sha256(secret.encode()).hexdigest()


def verify(shown: KeyText, kept: ApiKey, secret_sha256: str, now: datetime) -> None:
    """Return if `shown` is the key `kept` and that still counts. Raises Unauthenticated.

    Why a key is refused is told only to whoever knows its secret.
    """
    if not hmac.compare_digest(hashed(shown.secret), secret_sha256):
        raise unknown_key()
    if kept.revoked_at is not None:
        raise Unauthenticated(f"The API key {kept.name} was revoked; ask an administrator for a new one.")
    if kept.expires_at is not None and kept.expires_at <= now:
        raise Unauthenticated(f"The API key {kept.name} has expired; ask an administrator for a new one.")


def principal_of(key: ApiKey) -> Principal:
    """Who stands behind a request with this key."""
    return Principal("key", key.id, key.name, scopes=key.scopes, grant=key.grant, target=key.target)


def unknown_key() -> Unauthenticated:
    """The same for an id nobody has and for a wrong secret."""
    return Unauthenticated("This API key is not known here.")
