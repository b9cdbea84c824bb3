"""Who asks for something: people, API keys and the farm itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from farm.domain.terms import AS_USUAL, Terms, version_of


class Role(StrEnum):
    """What a person is in the shop. Each role may do all that the one before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


class Scope(StrEnum):
    """What an API key is good for. Unlike roles, scopes do not contain each other; `admin` is all."""

    UPLOAD = "upload"
    READ = "read"
    QUEUE = "queue"
    CONTROL = "control"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Grant:
    """The printers somebody's rights reach. None means every printer, an empty set none."""

    printers: frozenset[str] | None = None
    tags: frozenset[str] | None = None


EVERYTHING = Grant()


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever stands behind a message: carried by every envelope, judged by `farm.access` alone.

    kind: "user", "key", "system" (the farm itself) or "local" (a command typed on the shop PC).
    id: the user's or key's id, or the kind's own name; written into histories and the audit.
    role: for people. scopes: for keys. An anonymous asker has neither, and may do next to nothing.
    target: where an upload of this key goes when its address names no printer or group.
    client: the network address the request came from, "" where there is none; for the audit alone.
    terms: on which they ask for this; honoured where it is carried out, above all by `Database.change`.
    """

    kind: str
    id: str
    name: str
    role: Role | None = None
    scopes: frozenset[Scope] = frozenset()
    grant: Grant = EVERYTHING
    target: str | None = None
    client: str = field(default="", compare=False)
    terms: Terms = field(default=AS_USUAL, compare=False)

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


SYSTEM = Principal("system", "system", "the farm", role=Role.ADMIN)
LOCAL = Principal("local", "local", "the shop PC", role=Role.ADMIN)
ANONYMOUS = Principal("anonymous", "anonymous", "somebody")


@dataclass(frozen=True, slots=True)
class User:
    """A person who may log in."""

    id: str
    username: str
    role: Role
    enabled: bool
    created_at: datetime
    grant: Grant = EVERYTHING

    @property
    def version(self) -> str:
        """The name of what can be changed about a person, as it is now."""
        return version_of(self.role, self.enabled, self.grant)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A program's credential. The secret itself is never kept, only its hash in the store.

    target: None, "queue", "printer:<id>" or "group:<tag>".
    """

    id: str
    name: str
    scopes: frozenset[Scope]
    grant: Grant
    target: str | None
    created_by: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = field(default=None, compare=False)
