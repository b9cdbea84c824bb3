"""Facts in the database, and the identity of their history. Plain functions of a connection; none commits."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from farm.domain.clock import iso, parse_iso
from farm.domain.event import Fact

ALL = -1
KEPT = 250_000  # facts, some 90 MB; ten days of 200 busy printers, years of a small shop
SWEEP_EVERY = 1000  # facts; so many are swept in one go


def record(
    db: sqlite3.Connection, type: str, rooms: Iterable[str], at: datetime, data: Mapping[str, Any]
) -> int:
    """Add a fact in the transaction that makes it true. Returns its number.

    type: "job.started" and the like. data: JSON-ready values only.
    Numbers have no gaps: a transaction that is undone gives its numbers back. Those before the newest
    KEPT are swept away now and then.
    """
    added = db.execute(
        "INSERT INTO events (type, rooms, at, data) VALUES (?, ?, ?, ?)",
        (type, _json(list(rooms)), iso(at), _json(dict(data))),
    )
    seq = added.lastrowid or 0
    if seq % SWEEP_EVERY == 0:
        db.execute("DELETE FROM events WHERE seq <= ?", (seq - KEPT,))
    return seq


def since(db: sqlite3.Connection, seq: int, limit: int = ALL) -> list[Fact]:
    """At most `limit` facts after number `seq`, oldest first."""
    rows = db.execute(
        "SELECT seq, type, rooms, at, data FROM events WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit)
    )
    return [_fact(row) for row in rows]


def last_seq(db: sqlite3.Connection) -> int:
    """The number of the newest fact, also when old ones were swept away; 0 before the first."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    return int(row[0]) if row else 0


def oldest(db: sqlite3.Connection) -> int | None:
    """The number of the oldest fact that is still here; None when there is none."""
    row = db.execute("SELECT min(seq) FROM events").fetchone()
    return None if row[0] is None else int(row[0])


def epoch(db: sqlite3.Connection) -> str:
    """The identity of this history: numbers of another epoch mean other facts."""
    row = db.execute("SELECT value FROM farm WHERE key = 'epoch'").fetchone()
    return str(row[0])


def _fact(row: sqlite3.Row) -> Fact:
    return Fact(row[0], row[1], tuple(json.loads(row[2])), parse_iso(row[3]), json.loads(row[4]))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
