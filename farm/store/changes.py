"""Every change of a state: who, what, when, from, to, why, in the transaction that makes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Connection, Row
from typing import Literal

from farm.domain.clock import iso, parse_iso


@dataclass(frozen=True, slots=True)
class Change:
    """One line of a thing's history. old: None for its beginning."""

    at: datetime
    old: str | None
    new: str
    who: str
    why: str


def record_change(
    db: Connection, thing: str, thing_id: str, old: str | None, new: str, at: datetime, who: str, why: str
) -> None:
    """Note that a job, print, plate or printer went from `old` to `new`."""
    db.execute(
        """INSERT INTO state_changes (at, thing, thing_id, from_state, to_state, who, why)
           VALUES (?, ?, ?, ?, ?, ?, ?)""",
        (iso(at), thing, thing_id, old, new, who, why),
    )


def history(db: Connection, thing: str, thing_id: str) -> list[Change]:
    """All changes of one thing, oldest first."""
    rows = db.execute(
        "SELECT * FROM state_changes WHERE thing = ? AND thing_id = ? ORDER BY id", (thing, thing_id)
    ).fetchall()
    return [_change(row) for row in rows]


@dataclass(frozen=True, slots=True)
class PrinterChange:
    """One line of a printer's history. thing_id: the id of what changed."""

    id: int
    thing: Literal["printer", "plate", "print"]
    thing_id: str
    change: Change


def of_printer(db: Connection, printer: str, before: int | None, limit: int) -> list[PrinterChange]:
    """What was decided about a printer, and became of its plate and its prints, newest first.

    At most `limit` lines older than line `before`.
    """
    rows = db.execute(
        """SELECT * FROM state_changes
           WHERE id < coalesce(?1, id + 1) AND (
               (thing IN ('printer', 'plate') AND thing_id = ?2)
               OR (thing = 'print' AND thing_id IN (SELECT id FROM prints WHERE printer = ?2)))
           ORDER BY id DESC LIMIT ?3""",
        (before, printer, limit),
    ).fetchall()
    return [PrinterChange(row["id"], row["thing"], row["thing_id"], _change(row)) for row in rows]


def _change(row: Row) -> Change:
    return Change(parse_iso(row["at"]), row["from_state"], row["to_state"], row["who"], row["why"])
