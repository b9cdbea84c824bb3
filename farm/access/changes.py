"""Every change of who may do what, each with its audit row in one transaction.

Plain functions of a connection for `store.write`; what they raise rolls the whole change back. Where
the refusal itself changes something (a replayed refresh token), they answer instead of raising.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime
from typing import Any

from farm.domain.clock import iso
from farm.domain.terms import require_version
from farm.domain.user import ApiKey, Grant, Principal, Role, User
from farm.errors import NotFound, Refused, Unauthenticated
from farm.store import audit, keys, sessions, users
from farm.store.audit import Stamp
from farm.store.sessions import Session

ALREADY_SET_UP = "The farm is set up already; an administrator can add you."


def set_up(db: sqlite3.Connection, admin: User, password_hash: str, stamp: Stamp) -> None:
    """Add the first administrator. Raises Refused when there is one, whoever was quicker."""
    if users.enabled_admins(db):
        raise Refused(ALREADY_SET_UP)
    add_user(db, admin, password_hash, stamp)


def add_user(db: sqlite3.Connection, user: User, password_hash: str, stamp: Stamp) -> User:
    """Raises Refused when the name is taken."""
    users.add(db, user, password_hash)
    audit.append(db, stamp, "user.added", _user(user.id), {"username": user.username, **_rights(user)})
    return user


def change_user(
    db: sqlite3.Connection,
    id: str,
    role: Role | None,
    grant: Grant | None,
    enabled: bool | None,
    stamp: Stamp,
) -> User:
    """Change what is not None, and end the person's logins. Raises NotFound, Refused."""
    before = _account(db, id).user
    require_version(stamp.who.terms, before.version)
    after = replace(
        before,
        role=before.role if role is None else role,
        grant=before.grant if grant is None else grant,
        enabled=before.enabled if enabled is None else enabled,
    )
    if after == before:
        return before
    if after.role is Role.ADMIN and after.grant != Grant():
        raise Refused("An administrator's rights reach every printer; make them an operator first.")
    users.set_rights(db, after)
    if before.role is Role.ADMIN and not users.enabled_admins(db):
        raise Refused(f"{before.username} is the last administrator; make somebody else one first.")
    sessions.end_all_of(db, id)
    audit.append(db, stamp, "user.changed", _user(id), {"was": _rights(before), "is": _rights(after)})
    return after


def reset_password(db: sqlite3.Connection, id: str, password_hash: str, stamp: Stamp) -> None:
    """A new password; the person's logins end. Raises NotFound."""
    require_version(stamp.who.terms, _account(db, id).user.version)
    users.set_password(db, id, password_hash)
    sessions.end_all_of(db, id)
    audit.append(db, stamp, "user.passwordReset", _user(id))


def change_own_password(
    db: sqlite3.Connection, account: users.Account, password_hash: str, stamp: Stamp
) -> None:
    """A new password, held against the account that the old one was checked with. Raises Unauthenticated."""
    if _account(db, account.user.id).credentials != account.credentials:
        raise Unauthenticated("Your account was changed just now; log in again.")
    users.set_password(db, account.user.id, password_hash)
    sessions.end_all_of(db, account.user.id)
    audit.append(db, stamp, "user.passwordChanged", _user(account.user.id))


def start_session(db: sqlite3.Connection, session: Session, credentials: int, stamp: Stamp) -> None:
    """Keep a login whose password was checked against the account as of `credentials`.

    Raises Unauthenticated when the account changed while the password was being checked.
    """
    account = users.by_id(db, session.user)
    if account is None or account.credentials != credentials:
        raise Unauthenticated("Your account was changed just now; log in again.")
    sessions.add(db, session)
    audit.append(db, stamp, "session.started", _user(session.user), {"kind": session.kind})


def exchange(
    db: sqlite3.Connection, spent: str, fresh: str, at: datetime, client: str
) -> tuple[Session, users.Account] | str | None:
    """Put the refresh token `fresh` in the place of `spent` (both as digests).

    Answers the new session and whose it is; the user's id when `spent` had been exchanged before, so
    that somebody has a copy: then the whole family is gone; None when it is not known. An ordinary
    exchange leaves no audit row: it gives nobody anything new, a hundred times a day.
    """
    old = sessions.by_id(db, spent)
    account = users.by_id(db, old.user) if old else None
    if old is None or account is None or old.kind != sessions.REFRESH or old.expires_at <= at:
        return None
    if not sessions.spend(db, spent, at):
        sessions.end_family(db, old.family)
        stamp = Stamp(at, Principal("user", old.user, account.user.username), client)
        audit.append(db, stamp, "session.replayed", _user(old.user))
        return old.user
    new = replace(old, id=fresh, created_at=at, last_used_at=at)
    sessions.add(db, new)
    return new, account


def end_session(db: sqlite3.Connection, family: str, at: datetime, client: str) -> None:
    """Log out; a login that has ended already is no error."""
    account = sessions.family_holder(db, family)
    if account is None:
        return
    sessions.end_family(db, family)
    stamp = Stamp(at, Principal("user", account.user.id, account.user.username), client)
    audit.append(db, stamp, "session.ended", _user(account.user.id))


def add_key(
    db: sqlite3.Connection, key: ApiKey, secret_sha256: str, stamp: Stamp
) -> tuple[ApiKey, str | None]:
    """Keep a new key. Returns it with the place for its text, which is not ours to keep."""
    keys.add(db, key, secret_sha256)
    detail = {
        "name": key.name,
        "scopes": sorted(key.scopes),
        "target": key.target,
        "expires_at": None if key.expires_at is None else iso(key.expires_at),
        **_grant(key.grant),
    }
    audit.append(db, stamp, "key.created", f"key:{key.id}", detail)
    return key, None


def revoke_key(db: sqlite3.Connection, id: str, stamp: Stamp) -> ApiKey:
    """Revoking twice changes nothing. Raises NotFound."""
    if keys.revoke(db, id, stamp.at):
        audit.append(db, stamp, "key.revoked", f"key:{id}")
    kept = keys.by_id(db, id)
    if kept is None:
        raise NotFound("There is no such API key.")
    return kept.key


def _account(db: sqlite3.Connection, id: str) -> users.Account:
    account = users.by_id(db, id)
    if account is None:
        raise NotFound("There is no such user.")
    return account


def _user(id: str) -> str:
    return f"user:{id}"


def _rights(user: User) -> dict[str, Any]:
    return {"role": user.role, "enabled": user.enabled, **_grant(user.grant)}


def _grant(grant: Grant) -> dict[str, Any]:
    return {
        "printers": None if grant.printers is None else sorted(grant.printers),
        "tags": None if grant.tags is None else sorted(grant.tags),
    }
