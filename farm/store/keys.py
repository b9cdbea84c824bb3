"""API keys in the database. Plain functions of a connection; none commits."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime

from farm.domain.clock import iso, parse_iso
from farm.domain.user import ApiKey, Scope
from farm.store.users import grant_columns, grant_of


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A key with the hash its secret is compared with. Stays inside the store and `farm.access`."""

    key: ApiKey
    secret_sha256: str = field(repr=False)


def add(db: sqlite3.Connection, key: ApiKey, secret_sha256: str) -> None:
    db.execute(
        "INSERT INTO keys (id, name, secret_sha256, scopes, grant_printers, grant_tags, target, created_by,"
        " created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            key.id,
            key.name,
            secret_sha256,
            json.dumps(sorted(key.scopes)),
            *grant_columns(key.grant),
            key.target,
            key.created_by,
            iso(key.created_at),
            _iso_or_null(key.expires_at),
        ),
    )


def by_id(db: sqlite3.Connection, id: str) -> KeptKey | None:
    """The key, revoked and expired ones too."""
    row = db.execute("SELECT * FROM keys WHERE id = ?", (id,)).fetchone()
    return _kept(row) if row else None


def all_keys(db: sqlite3.Connection) -> list[ApiKey]:
    """Every key ever made, newest first."""
    rows = db.execute("SELECT * FROM keys ORDER BY created_at DESC, id")
    return [_kept(row).key for row in rows]


def revoke(db: sqlite3.Connection, id: str, at: datetime) -> bool:
    """Whether there was something to revoke. The row stays, so that histories keep their name."""
    found = db.execute("UPDATE keys SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (iso(at), id))
    return found.rowcount == 1


def touch(db: sqlite3.Connection, id: str, at: datetime) -> None:
    """The key was used at `at`."""
    db.execute("UPDATE keys SET last_used_at = ? WHERE id = ?", (iso(at), id))


def _kept(row: sqlite3.Row) -> KeptKey:
    key = ApiKey(
        row["id"],
        row["name"],
        frozenset(Scope(scope) for scope in json.loads(row["scopes"])),
        grant_of(row),
        row["target"],
        row["created_by"],
        parse_iso(row["created_at"]),
        _time_or_none(row["expires_at"]),
        _time_or_none(row["revoked_at"]),
        _time_or_none(row["last_used_at"]),
    )
    return KeptKey(key, row["secret_sha256"])


def _iso_or_null(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)


def _time_or_none(text: str | None) -> datetime | None:
    return None if text is None else parse_iso(text)
