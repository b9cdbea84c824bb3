"""Spools, and what prints take off them. Plain functions of a connection; none commits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from sqlite3 import Connection, Row
from typing import Any

from farm.domain.analysis import GcodeAnalysis
from farm.domain.clock import iso, parse_iso
from farm.domain.job import Print
from farm.domain.spool import Spool
from farm.errors import NotFound
from farm.store import files, jobs, prints
from farm.store.events import record

Grams = Mapping[int, float | None]
"""What a file takes of each tool's filament; None for a tool of which it does not say how much."""


def add(db: Connection, spool: Spool) -> None:
    """Keep a new spool, which lies on a shelf."""
    db.execute(
        """INSERT INTO spools (id, material, colour, name, note, full_g, left_g, created_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        (
            spool.id,
            spool.material,
            spool.colour,
            spool.name,
            spool.note,
            spool.full_g,
            spool.left_g,
            iso(spool.created_at),
        ),
    )


def change(db: Connection, spool: str, changes: Mapping[str, Any]) -> Spool:
    """Make other values of some of its fields."""
    settings = ", ".join(f"{_COLUMNS[name]} = ?" for name in changes)
    db.execute(f"UPDATE spools SET {settings} WHERE id = ?", (*changes.values(), spool))
    return existing(db, spool)


_COLUMNS = {name: name for name in ("material", "colour", "name", "note", "full_g", "left_g")}


def remove(db: Connection, spool: str) -> None:
    """Forget a spool."""
    db.execute("DELETE FROM spools WHERE id = ?", (spool,))


def load(db: Connection, spool: str, printer: str, tool: int) -> None:
    """It is in this tool now, and what was in there before lies on the shelf."""
    db.execute(
        "UPDATE spools SET printer = NULL, tool = NULL WHERE printer = ? AND tool = ?", (printer, tool)
    )
    db.execute("UPDATE spools SET printer = ?, tool = ? WHERE id = ?", (printer, tool, spool))


def keep_only(db: Connection, printer: str, spools: list[str]) -> None:
    """Nothing but these is loaded there any more."""
    for spool in loaded_on(db, printer):
        if spool.id not in spools:
            db.execute("UPDATE spools SET printer = NULL, tool = NULL WHERE id = ?", (spool.id,))


def existing(db: Connection, spool: str) -> Spool:
    """One spool. Raises NotFound."""
    row = db.execute("SELECT * FROM spools WHERE id = ?", (spool,)).fetchone()
    if row is None:
        raise NotFound(f"there is no spool {spool}")
    return _spool(row)


def loaded_on(db: Connection, printer: str) -> list[Spool]:
    """The spools in a printer, by tool."""
    rows = db.execute("SELECT * FROM spools WHERE printer = ? ORDER BY tool", (printer,)).fetchall()
    return [_spool(row) for row in rows]


def page(db: Connection, after: str | None, limit: int) -> list[Spool]:
    """Up to `limit` spools by id, those after `after`."""
    rows = db.execute(
        "SELECT * FROM spools WHERE id > ? ORDER BY id LIMIT ?", (after or "", limit)
    ).fetchall()
    return [_spool(row) for row in rows]


def everything(db: Connection) -> list[Spool]:
    """Every spool by id."""
    return [_spool(row) for row in db.execute("SELECT * FROM spools ORDER BY id").fetchall()]


def how_many(db: Connection) -> int:
    """How many spools there are."""
    return int(db.execute("SELECT count(*) FROM spools").fetchone()[0])


def needed_by(db: Connection, file: str) -> Grams | None:
    """What one print of a file takes, by tool; None where its slicer does not say."""
    found = files.by_id(db, file)
    result = found.analysis.result if found is not None else None
    if not isinstance(result, GcodeAnalysis) or result.filament is None:
        return None
    return {used.tool: used.g for used in result.filament if used.g or used.mm or used.cm3}


def reserved(db: Connection) -> dict[tuple[str, int], float]:
    """Grams by printer and tool that are spoken for: of prints under way, and of jobs for one printer alone.

    As far as their files say how much they take.
    """
    found: dict[tuple[str, int], float] = defaultdict(float)
    known: dict[str, Grams] = {}

    def take(printer: str, file: str, plates: int) -> None:
        if plates and file not in known:
            known[file] = needed_by(db, file) or {}
        for tool, grams in known[file].items() if plates else ():
            found[printer, tool] += plates * (grams or 0.0)

    for job in jobs.open_jobs(db):
        if len(job.only_on) == 1:
            (only,) = job.only_on
            take(only, job.file, job.to_begin)
    for attempt in prints.active(db):
        take(attempt.printer, jobs.existing(db, attempt.job).file, 1)
    return found


def use(db: Connection, ended: Print, share: float | None, at: datetime) -> None:
    """Take off the spools what a print has taken. share: how much of it was printed, None where unknown."""
    grams = needed_by(db, jobs.existing(db, ended.job).file)
    taken = _taken(grams, share)
    if taken is not None and None not in taken.values():
        prints.note_filament(db, ended.id, sum(each or 0.0 for each in taken.values()))
    for spool in loaded_on(db, ended.printer):
        used = None if taken is None else taken.get(spool.tool or 0, 0.0)
        if used == 0.0 or (spool.left_g is None and used is None):
            continue
        left_g = None if used is None or spool.left_g is None else max(0.0, spool.left_g - used)
        db.execute("UPDATE spools SET left_g = ? WHERE id = ?", (left_g, spool.id))
        _tell(db, "spool.used", spool, at, print=ended.id, used_g=used, left_g=left_g)


def _taken(grams: Grams | None, share: float | None) -> Grams | None:
    if share == 0.0:
        return {}
    if grams is None or share is None:
        return None
    return {tool: None if each is None else round(each * share, 2) for tool, each in grams.items()}


def lose_count(db: Connection, printer: str, at: datetime) -> None:
    """Somebody else prints on it: how much that takes nobody tells us."""
    for spool in loaded_on(db, printer):
        if spool.left_g is not None:
            db.execute("UPDATE spools SET left_g = NULL WHERE id = ?", (spool.id,))
            _tell(db, "spool.used", spool, at, print=None, used_g=None, left_g=None)


def _tell(db: Connection, type: str, spool: Spool, at: datetime, **data: Any) -> None:
    told = {"spool": spool.id, "printer": spool.printer, "tool": spool.tool, **data}
    record(db, type, ("printers", f"printer:{spool.printer}"), at, told)


def _spool(row: Row) -> Spool:
    return Spool(
        id=row["id"],
        material=row["material"],
        created_at=parse_iso(row["created_at"]),
        colour=row["colour"],
        name=row["name"],
        note=row["note"],
        full_g=row["full_g"],
        left_g=row["left_g"],
        printer=row["printer"],
        tool=row["tool"],
    )
