"""Logins that are alive: page sessions and refresh tokens. Plain functions of a connection; none commits.

A login that ended has no rows: revoking is deleting, so it holds at once and after a restart.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime

from farm.domain.clock import iso, parse_iso
from farm.store import users

PAGE = "page"
REFRESH = "refresh"

MOST_PER_USER = 100  # logins at a time; a script that logs in every minute ends its own oldest


@dataclass(frozen=True, slots=True)
class Session:
    """One cookie or one refresh token.

    id: SHA-256 of the secret. family: the login it descends from; a page session is alone in its own.
    csrf: of pages only. spent_at: when a refresh token was exchanged for the next.
    """

    id: str
    kind: str
    family: str
    user: str
    csrf: str | None = field(repr=False)
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    spent_at: datetime | None = None


def add(db: sqlite3.Connection, session: Session) -> None:
    """Keep a new session, and sweep away what has expired or is one too many of this user's."""
    db.execute("DELETE FROM sessions WHERE expires_at <= ?", (iso(session.created_at),))
    db.execute(
        "INSERT INTO sessions (id, kind, family, user, csrf, created_at, last_used_at, expires_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            session.id,
            session.kind,
            session.family,
            session.user,
            session.csrf,
            iso(session.created_at),
            iso(session.last_used_at),
            iso(session.expires_at),
        ),
    )
    db.execute(
        "DELETE FROM sessions WHERE family IN (SELECT family FROM sessions WHERE user = ? GROUP BY family"
        " ORDER BY max(last_used_at) DESC, max(rowid) DESC LIMIT -1 OFFSET ?)",
        (session.user, MOST_PER_USER),
    )


def by_id(db: sqlite3.Connection, id: str) -> Session | None:
    row = db.execute("SELECT * FROM sessions WHERE id = ?", (id,)).fetchone()
    return _session(row) if row else None


def page(db: sqlite3.Connection, id: str) -> tuple[Session, users.Account] | None:
    """A page's session and whose it is, in one look."""
    session = by_id(db, id)
    if session is None or session.kind != PAGE:
        return None
    account = users.by_id(db, session.user)
    return (session, account) if account else None


def family_holder(db: sqlite3.Connection, family: str) -> users.Account | None:
    """Whose login this is; None once it has ended."""
    row = db.execute("SELECT user FROM sessions WHERE family = ? LIMIT 1", (family,)).fetchone()
    return users.by_id(db, row["user"]) if row else None


def spend(db: sqlite3.Connection, id: str, at: datetime) -> bool:
    """Mark a refresh token as exchanged; False if it was already."""
    found = db.execute("UPDATE sessions SET spent_at = ? WHERE id = ? AND spent_at IS NULL", (iso(at), id))
    return found.rowcount == 1


def touch(db: sqlite3.Connection, id: str, at: datetime) -> None:
    """The session was used at `at`."""
    db.execute("UPDATE sessions SET last_used_at = ? WHERE id = ?", (iso(at), id))


def end_family(db: sqlite3.Connection, family: str) -> None:
    """End one login and everything that descends from it."""
    db.execute("DELETE FROM sessions WHERE family = ?", (family,))


def end_all_of(db: sqlite3.Connection, user: str) -> None:
    """End every login of one person."""
    db.execute("DELETE FROM sessions WHERE user = ?", (user,))


def _session(row: sqlite3.Row) -> Session:
    return Session(
        row["id"],
        row["kind"],
        row["family"],
        row["user"],
        row["csrf"],
        parse_iso(row["created_at"]),
        parse_iso(row["last_used_at"]),
        parse_iso(row["expires_at"]),
        parse_iso(row["spent_at"]) if row["spent_at"] else None,
    )
