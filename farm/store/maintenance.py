"""Chores, how long printers have printed, and who did what. Plain functions of a connection; none commits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from sqlite3 import Connection, Row
from typing import Any

from farm.domain.clock import iso, parse_iso
from farm.domain.maintenance import Chore, Done, Standing
from farm.errors import NotFound
from farm.store.events import record

HOUR_S = 3600.0

_STANDINGS = """
    SELECT maintenance.*, printers.id AS on_printer,
        max(0, printers.printed_s - coalesce((
            SELECT printed_s FROM maintenance_done
            WHERE chore = maintenance.id AND printer = printers.id ORDER BY id DESC LIMIT 1), 0)) AS since_s,
        last.at AS done_at, last.who AS done_who, last.note AS done_note, last.printed_s AS done_printed_s
    FROM printers
    JOIN maintenance ON maintenance.printer = printers.id
        OR maintenance.tag IN (SELECT value FROM json_each(printers.tags))
    LEFT JOIN maintenance_done AS last ON last.id = (
        SELECT max(id) FROM maintenance_done
        WHERE chore = maintenance.id AND printer = printers.id AND who IS NOT NULL)"""


def add(db: Connection, chore: Chore, since_h: float) -> None:
    """Keep a new chore. since_h: hours its printers have printed since it was done last."""
    db.execute(
        """INSERT INTO maintenance (id, what, every_h, printer, tag, blocks, created_by, created_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            chore.id,
            chore.what,
            chore.every_h,
            chore.printer,
            chore.tag,
            int(chore.blocks),
            chore.created_by,
            iso(chore.created_at),
        ),
    )
    db.execute(
        """INSERT INTO maintenance_done (chore, printer, printed_s, at)
           SELECT ?1, id, printed_s - ?2, ?3 FROM printers
           WHERE id = ?4 OR ?5 IN (SELECT value FROM json_each(tags))""",
        (chore.id, since_h * HOUR_S, iso(chore.created_at), chore.printer, chore.tag),
    )


def change(db: Connection, chore: str, changes: Mapping[str, Any]) -> Chore:
    """Make other values of some of its fields (what, every_h, blocks)."""
    settings = ", ".join(f"{_COLUMNS[name]} = ?" for name in changes)
    db.execute(f"UPDATE maintenance SET {settings} WHERE id = ?", (*changes.values(), chore))
    changed = by_id(db, chore)
    if changed is None:
        raise LookupError(f"no chore {chore}")
    return changed


_COLUMNS = {"what": "what", "every_h": "every_h", "blocks": "blocks"}


def remove(db: Connection, chore: str) -> None:
    """Forget a chore, and when it was done."""
    db.execute("DELETE FROM maintenance WHERE id = ?", (chore,))


def forget_printer(db: Connection, printer: str) -> None:
    """A printer was taken out of the farm: so are its own chores, and what was done on it."""
    db.execute("DELETE FROM maintenance WHERE printer = ?", (printer,))
    db.execute("DELETE FROM maintenance_done WHERE printer = ?", (printer,))


def note_done(db: Connection, chore: str, printer: str, note: str, at: datetime, who: str) -> None:
    """Somebody has done it: its hours count anew on this printer."""
    db.execute(
        """INSERT INTO maintenance_done (chore, printer, printed_s, at, who, note)
           SELECT ?, id, printed_s, ?, ?, ? FROM printers WHERE id = ?""",
        (chore, iso(at), who, note, printer),
    )


def by_id(db: Connection, chore: str) -> Chore | None:
    """One chore, None when it is not here."""
    row = db.execute("SELECT * FROM maintenance WHERE id = ?", (chore,)).fetchone()
    return _chore(row) if row is not None else None


def how_many(db: Connection) -> int:
    """How many chores there are."""
    return int(db.execute("SELECT count(*) FROM maintenance").fetchone()[0])


def standings(db: Connection, printer: str | None = None) -> list[Standing]:
    """How each chore stands on this printer, or on every one, by printer; the oldest chores first."""
    rows = db.execute(
        f"{_STANDINGS} WHERE ?1 IS NULL OR printers.id = ?1"
        " ORDER BY printers.id, maintenance.created_at, maintenance.id",
        (printer,),
    ).fetchall()
    return [_standing(row) for row in rows]


def standing(db: Connection, printer: str, chore: str) -> Standing:
    """How one chore stands on one printer. Raises NotFound."""
    for each in standings(db, printer):
        if each.chore.id == chore:
            return each
    raise NotFound(f"there is no chore {chore} on {printer}")


def blocking(db: Connection, printer: str | None = None) -> dict[str, str]:
    """The printers that begin nothing because a chore is due on them, and which; of this one or of all."""
    rows = db.execute(
        f"SELECT * FROM ({_STANDINGS} WHERE blocks AND (?1 IS NULL OR printers.id = ?1))"
        f" WHERE since_s >= every_h * {HOUR_S}",
        (printer,),
    )
    return {row["on_printer"]: row["what"] for row in rows.fetchall()}


def printed_h(db: Connection, printer: str) -> float:
    """How many hours a printer has printed, as far as the farm knows."""
    row = db.execute("SELECT printed_s FROM printers WHERE id = ?", (printer,)).fetchone()
    return float(row["printed_s"]) / HOUR_S if row is not None else 0.0


def count(db: Connection, printer: str, seconds: float, at: datetime) -> None:
    """A printer has printed for so long; tell of every chore that comes due by it."""
    before = {each.chore.id: each.state for each in standings(db, printer)}
    db.execute("UPDATE printers SET printed_s = printed_s + ? WHERE id = ?", (max(0.0, seconds), printer))
    for now in standings(db, printer):
        if now.state is not before[now.chore.id]:
            data = {
                "printer": printer,
                "chore": now.chore.id,
                "what": now.chore.what,
                "every_h": now.chore.every_h,
                "since_h": round(now.since_h, 2),
                "blocks": now.chore.blocks,
            }
            record(db, f"maintenance.{now.state}", ("printers", f"printer:{printer}"), at, data)


def _standing(row: Row) -> Standing:
    last = None
    if row["done_at"] is not None:
        last = Done(
            parse_iso(row["done_at"]), row["done_who"], row["done_note"], row["done_printed_s"] / HOUR_S
        )
    return Standing(_chore(row), row["on_printer"], row["since_s"] / HOUR_S, last)


def _chore(row: Row) -> Chore:
    return Chore(
        id=row["id"],
        what=row["what"],
        every_h=row["every_h"],
        created_by=row["created_by"],
        created_at=parse_iso(row["created_at"]),
        printer=row["printer"],
        tag=row["tag"],
        blocks=bool(row["blocks"]),
    )
