"""Temperatures over time, in the telemetry database. Plain functions of a connection; none commits."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from operator import itemgetter
from typing import NamedTuple


class Reading(NamedTuple):
    """One look at one heater. at: Unix seconds. actual, target: degC; None where the printer said nothing."""

    printer: str
    heater: str
    at: float
    actual: float | None
    target: float | None


class Point(NamedTuple):
    """One point of a chart; the same units as a reading."""

    at: float
    actual: float | None
    target: float | None


def add(db: sqlite3.Connection, readings: Sequence[Reading]) -> None:
    """Keep `readings`. Of two of one heater at the same moment the later one stays."""
    numbers = _heaters(db)
    for name in dict.fromkeys((reading.printer, reading.heater) for reading in readings):
        if name not in numbers:
            added = db.execute("INSERT INTO heaters (printer, heater) VALUES (?, ?)", name)
            numbers[name] = added.lastrowid or 0
    rows = [
        (numbers[printer, heater], at, actual, target) for printer, heater, at, actual, target in readings
    ]
    rows.sort(key=itemgetter(0, 1))  # those of one heater lie together: a quarter less work for the database
    db.executemany(_KEEP, rows)


# Not OR REPLACE: for that SQLite could undo each row alone, and with every row it would look through all
# pages touched since the savepoint: thirty times the work, for a thousand printers.
_KEEP = """INSERT INTO temperature_readings (heater, at, actual, target) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET actual = excluded.actual, target = excluded.target"""


_OF_HEATER = """FROM temperature_readings
    WHERE heater = (SELECT id FROM heaters WHERE printer = :printer AND heater = :heater)"""

_RAW = f"SELECT at, actual, target {_OF_HEATER} AND at >= :start AND at < :end ORDER BY at"

# SQLite takes the other columns from the row that has the minimum, or the maximum.
_EXTREMES = f"""
    SELECT at, min(actual), target {_OF_HEATER} AND at >= :start AND at < :end
        GROUP BY CAST((at - :start) / :width AS INTEGER)
    UNION
    SELECT at, max(actual), target {_OF_HEATER} AND at >= :start AND at < :end
        GROUP BY CAST((at - :start) / :width AS INTEGER)
    ORDER BY 1"""


def between(
    db: sqlite3.Connection, printer: str, heater: str, start: float, end: float, points: int
) -> list[Point]:
    """One heater's curve over [start, end), in at most `points` points (at least 2), oldest first.

    Where there are more readings, each of points/2 equal spans gives its lowest and its highest, so that
    a chart of any length stays small and still shows every peak.
    """
    spans = max(points // 2, 1)
    span = {"printer": printer, "heater": heater, "start": start, "end": end, "width": (end - start) / spans}
    counted = f"SELECT count(*) FROM (SELECT 1 {_OF_HEATER} AND at >= :start AND at < :end LIMIT :most)"
    found = db.execute(counted, {**span, "most": points + 1}).fetchone()[0]
    return [Point(*row) for row in db.execute(_RAW if found <= points else _EXTREMES, span)]


def prune(db: sqlite3.Connection, before: float, most: int = 10_000) -> int:
    """Forget readings older than `before` (Unix seconds), at most `most` at a time. Returns how many.

    Repeat until it returns 0; bounded, so that new readings are never kept waiting for long.
    """
    gone = 0
    for number in _heaters(db).values():
        if gone >= most:
            break
        gone += db.execute(
            """DELETE FROM temperature_readings WHERE heater = ?1 AND at IN (
                SELECT at FROM temperature_readings WHERE heater = ?1 AND at < ?2 ORDER BY at LIMIT ?3)""",
            (number, before, most - gone),
        ).rowcount
    return gone


def _heaters(db: sqlite3.Connection) -> dict[tuple[str, str], int]:
    """The number of every (printer, heater)."""
    found = db.execute("SELECT printer, heater, id FROM heaters").fetchall()
    return {(printer, heater): number for printer, heater, number in found}
