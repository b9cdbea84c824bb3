"""On what terms something is asked for: only tried, done once however often it is asked, or only as long
as nobody else has changed it meanwhile."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import msgspec

from farm.errors import Outdated


@dataclass(frozen=True, slots=True)
class Once:
    """One change of a request that may be sent again.

    owner, key: who sent it, under which name of theirs. request: a digest of all it said; another
    request under the same name is refused. step: which of the request's changes this is, from 1.
    """

    owner: str
    key: str
    request: bytes = field(repr=False)
    step: int


@dataclass(frozen=True, slots=True)
class Terms:
    """dry: nothing shall be changed or sent, and what would come of it is answered.

    versions: what it may be a change of, None for whatever is there.
    """

    dry: bool = False
    once: Once | None = None
    versions: frozenset[str] | None = None


AS_USUAL = Terms()


def version_of(*settings: Any) -> str:
    """A name for one state of what people can change about a thing; the same state has the same name."""
    text = msgspec.json.encode(settings, order="deterministic")
    return hashlib.sha256(text).hexdigest()[:16]


def require_version(terms: Terms, now: str) -> None:
    """Raise Outdated where the change was meant for another version than that which is there `now`."""
    if terms.versions is not None and now not in terms.versions:
        raise Outdated("somebody has changed this since you looked at it; look again, then change it")
