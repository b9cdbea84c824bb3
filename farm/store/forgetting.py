"""What is kept of the readings, and for how long: by age, and by the room they take.

Plain functions of a connection; none commits. Each takes a bounded bite, so that new readings are never
kept waiting for long: repeat until nothing goes any more.

Readings of the future are left alone: a clock that was put forward for a moment wrote them, or the clock is
behind now, and then they are all there is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from farm.store.curves import Level
from farm.store.readings import KINDS, Kind, numbers

MOST = 10_000  # rows that go at once: some 20 ms
SLICE_S: Mapping[Level, float] = {Level.RAW: 900.0, Level.MINUTE: 86_400.0, Level.HOUR: 30 * 86_400.0}
"""How much of the oldest goes at once where there is no room."""


@dataclass(frozen=True, slots=True)
class Limits:
    """for_s: how long each level is kept, in seconds. size: bytes of all of it together."""

    for_s: Mapping[Level, float]
    size: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What one bite took. rows: how many. cut: before when a level was cut for want of room, Unix seconds."""

    rows: int
    cut: tuple[Level, float] | None = None


def forget(db: sqlite3.Connection, limits: Limits, now: float, most: int = MOST) -> Forgotten:
    """Take one bite of what is too old; where nothing is, of the finest and oldest if there is no room."""
    for level in Level:
        gone = prune(db, level, now - limits.for_s[level], most)
        if gone:
            return Forgotten(gone)
    if used(db) <= limits.size:
        return Forgotten(0)
    for level in Level:
        oldest = _oldest(db, level, now)
        if oldest is not None and oldest + SLICE_S[level] < now:
            before = oldest + SLICE_S[level]
            return Forgotten(prune(db, level, before, most), (level, before))
    return Forgotten(0)


def prune(db: sqlite3.Connection, level: Level, before: float, most: int) -> int:
    """Forget what is older than `before` on this level, at most `most` rows. Returns how many went."""
    gone = 0
    for kind in KINDS:
        for number in numbers(db, kind).values():
            if gone >= most:
                return gone
            gone += _prune(db, level.table(kind), kind, number, before, most - gone)
    return gone


def _prune(db: sqlite3.Connection, table: str, kind: Kind, number: int, before: float, most: int) -> int:
    return db.execute(
        f"""DELETE FROM {table} WHERE {kind.name} = ?1 AND at IN (
                SELECT at FROM {table} WHERE {kind.name} = ?1 AND at < ?2 ORDER BY at LIMIT ?3)""",
        (number, before, most),
    ).rowcount


def _oldest(db: sqlite3.Connection, level: Level, now: float) -> float | None:
    """When the oldest of a level was read, by now."""
    found = [
        db.execute(f"SELECT min(at) FROM {level.table(kind)} WHERE {kind.name} = ?", (number,)).fetchone()[0]
        for kind in KINDS
        for number in numbers(db, kind).values()
    ]
    return min((at for at in found if at is not None and at < now), default=None)


def used(db: sqlite3.Connection) -> int:
    """Bytes that what is kept takes. The file never becomes smaller: what goes makes room in it."""
    pages, free, each = (
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * each)
