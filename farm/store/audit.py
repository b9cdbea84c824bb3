"""Who changed what: rows that are only ever added, each hashed together with the one before it.

The chain shows a row that was changed, removed or slipped in. It cannot show that somebody with the
database file in hand rewrote the whole of it: the hash has no key.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from farm.domain.clock import iso, parse_iso
from farm.domain.user import Principal


@dataclass(frozen=True, slots=True)
class Stamp:
    """Who did it, when, and from which address ("" where there is none)."""

    at: datetime
    who: Principal
    client: str = ""

    @classmethod
    def of(cls, who: Principal, at: datetime) -> Stamp:
        """For somebody who brings along where they ask from."""
        return cls(at, who, who.client)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row. who: "user:<id>" and the like. detail: JSON-ready; what was and what is, no secrets."""

    id: int
    at: datetime
    who: str
    action: str
    object: str
    detail: Mapping[str, Any]
    client: str


def append(
    db: sqlite3.Connection, stamp: Stamp, action: str, object: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Add a row, in the transaction of the change it speaks of.

    action: a past participle, as "user.disabled". object: "user:<id>", "printer:<id>" and the like.
    """
    last = db.execute("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    id = _newest_id_given(db) + 1
    text = json.dumps(detail or {}, sort_keys=True)
    row = (id, iso(stamp.at), str(stamp.who), action, object, text, stamp.client)
    db.execute(
        "INSERT INTO audit (id, at, who, action, object, detail, client, hash)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*row, _hash(last["hash"] if last else "", row)),
    )


def entries(db: sqlite3.Connection, before: int | None = None, limit: int = 100) -> list[Entry]:
    """At most `limit` rows, newest first, older than row `before`."""
    rows = db.execute(
        "SELECT * FROM audit WHERE id < coalesce(?, id + 1) ORDER BY id DESC LIMIT ?", (before, limit)
    )
    return [
        Entry(
            row["id"],
            parse_iso(row["at"]),
            row["who"],
            row["action"],
            row["object"],
            json.loads(row["detail"]),
            row["client"],
        )
        for row in rows
    ]


def verify_chain(db: sqlite3.Connection) -> str | None:
    """None when the chain is whole, else one sentence naming the first row that does not fit."""
    before, expected = "", 1
    for row in db.execute("SELECT id, at, who, action, object, detail, client, hash FROM audit ORDER BY id"):
        if row["id"] != expected:
            return f"Audit rows {expected} to {row['id'] - 1} are missing."
        if _hash(before, tuple(row)[:-1]) != row["hash"]:
            return f"Audit row {row['id']} does not follow from the one before it: one of them was changed."
        before, expected = row["hash"], expected + 1
    newest = _newest_id_given(db)
    if newest >= expected:  # SQLite remembers the number of a row that is gone
        return f"Audit rows {expected} to {newest} are missing."
    return None


def _newest_id_given(db: sqlite3.Connection) -> int:
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'audit'").fetchone()
    return int(row["seq"]) if row else 0


def _hash(before: str, row: tuple[Any, ...]) -> str:
    text = json.dumps([before, *row], separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
