"""People in the database. Plain functions of a connection; none commits."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field

from farm.domain.clock import iso, parse_iso
from farm.domain.user import Grant, Role, User
from farm.errors import Refused


@dataclass(frozen=True, slots=True)
class Account:
    """A person with what a login compares. Stays inside the store and `farm.access`.

    credentials: grows by one whenever the password, the role, the grant or being enabled changes.
    """

    user: User
    password_hash: str = field(repr=False)
    credentials: int


def add(db: sqlite3.Connection, user: User, password_hash: str) -> None:
    """Raises Refused when the name is taken; capitals make no difference."""
    if by_name(db, user.username) is not None:
        raise Refused(f"There is already a user named {user.username}.")
    db.execute(
        "INSERT INTO users (id, username, password_hash, role, enabled, grant_printers, grant_tags,"
        " created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            user.id,
            user.username,
            password_hash,
            user.role,
            user.enabled,
            *grant_columns(user.grant),
            iso(user.created_at),
        ),
    )


def by_name(db: sqlite3.Connection, username: str) -> Account | None:
    """The account with this user name; capitals make no difference."""
    row = db.execute("SELECT * FROM users WHERE username = ?", (username,)).fetchone()
    return _account(row) if row else None


def by_id(db: sqlite3.Connection, id: str) -> Account | None:
    row = db.execute("SELECT * FROM users WHERE id = ?", (id,)).fetchone()
    return _account(row) if row else None


def all_users(db: sqlite3.Connection) -> list[User]:
    """Everybody, by name."""
    return [_account(row).user for row in db.execute("SELECT * FROM users ORDER BY username")]


def enabled_admins(db: sqlite3.Connection) -> int:
    """How many people could set things right."""
    found = db.execute("SELECT count(*) FROM users WHERE role = ? AND enabled", (Role.ADMIN,))
    return int(found.fetchone()[0])


def set_rights(db: sqlite3.Connection, user: User) -> None:
    """Keep the role, grant and being enabled of `user`; tokens given out before lose their worth."""
    db.execute(
        "UPDATE users SET role = ?, enabled = ?, grant_printers = ?, grant_tags = ?,"
        " credentials = credentials + 1 WHERE id = ?",
        (user.role, user.enabled, *grant_columns(user.grant), user.id),
    )


def set_password(db: sqlite3.Connection, id: str, password_hash: str) -> None:
    """A new password; tokens given out before lose their worth."""
    db.execute(
        "UPDATE users SET password_hash = ?, credentials = credentials + 1 WHERE id = ?",
        (password_hash, id),
    )


def rehash(db: sqlite3.Connection, id: str, old_hash: str, new_hash: str) -> None:
    """The same password under another hash; nothing happens if the password was changed meanwhile."""
    db.execute(
        "UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?", (new_hash, id, old_hash)
    )


def grant_columns(grant: Grant) -> tuple[str | None, str | None]:
    """The two columns of a grant: JSON lists, NULL where it is None."""
    return _json_list(grant.printers), _json_list(grant.tags)


def grant_of(row: sqlite3.Row) -> Grant:
    """The grant in a row that has the two columns."""
    return Grant(_set(row["grant_printers"]), _set(row["grant_tags"]))


def _account(row: sqlite3.Row) -> Account:
    user = User(
        row["id"],
        row["username"],
        Role(row["role"]),
        bool(row["enabled"]),
        parse_iso(row["created_at"]),
        grant_of(row),
    )
    return Account(user, row["password_hash"], row["credentials"])


def _json_list(names: frozenset[str] | None) -> str | None:
    return None if names is None else json.dumps(sorted(names))


def _set(text: str | None) -> frozenset[str] | None:
    return None if text is None else frozenset(json.loads(text))
