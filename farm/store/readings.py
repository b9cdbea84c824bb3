"""What printers measured, in the telemetry database: kept as it came, and summed up by minute and hour.

Each reading is added to its minute and its hour in the transaction that keeps it. So they are right after
whatever restart, for readings that come late, and when the clock was put back; and those that come twice
count once. Plain functions of a connection; none commits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple, TypeAlias

MINUTE_S, HOUR_S = 60, 3600


@dataclass(frozen=True, slots=True)
class Kind:
    """What is measured, and the tables it is kept in.

    names: the table that numbers them, by printer and by `name`, which is that number's column elsewhere,
    too. raw: every reading, in its column `value`. target: the column of what was wished for, or NULL.
    """

    names: str
    name: str
    raw: str
    minutes: str
    hours: str
    value: str
    target: str = "NULL"


TEMPERATURE = Kind(
    names="heaters",
    name="heater",
    raw="temperature_readings",
    minutes="temperature_minutes",
    hours="temperature_hours",
    value="actual",
    target="target",
)
METRIC = Kind(
    names="channels",
    name="channel",
    raw="metrics",
    minutes="metric_minutes",
    hours="metric_hours",
    value="value",
)
KINDS = (TEMPERATURE, METRIC)


class Reading(NamedTuple):
    """One look at one heater. at: Unix seconds. actual, target: degC; None where the printer said nothing."""

    printer: str
    heater: str
    at: float
    actual: float | None
    target: float | None


class Measured(NamedTuple):
    """One look at anything else that a printer measures. at: Unix seconds. value: in the channel's unit."""

    printer: str
    channel: str
    at: float
    value: float


Row: TypeAlias = tuple[int, float, float | None, float | None]
"""A number of `Kind.names`, when, what was measured, and what was wished for."""


class Sum(NamedTuple):
    """One minute, or one hour, from `at` on, in Unix seconds. of: a number of `Kind.names`.

    readings: how many. target: what was wished for when `last` was read.
    """

    of: int
    at: int
    readings: int
    mean: float
    min: float
    max: float
    last: float
    last_at: float
    target: float | None


def add(db: sqlite3.Connection, readings: Sequence[Reading], metrics: Sequence[Measured] = ()) -> None:
    """Keep these. Of two of one heater at the same moment the one stays that came first."""
    _add(db, TEMPERATURE, readings)
    _add(db, METRIC, [(*each, None) for each in metrics])


def numbers(db: sqlite3.Connection, kind: Kind) -> dict[tuple[str, str], int]:
    """The number of each printer's each heater, or channel."""
    found = db.execute(f"SELECT printer, {kind.name}, id FROM {kind.names}").fetchall()
    return {(printer, name): number for printer, name, number in found}


def numbers_of(db: sqlite3.Connection, kind: Kind, printer: str) -> dict[str, int]:
    """The number of each heater, or channel, of one printer, by name."""
    found = db.execute(
        f"SELECT {kind.name}, id FROM {kind.names} WHERE printer = ? ORDER BY {kind.name}", (printer,)
    ).fetchall()
    return dict(map(tuple, found))


def _add(
    db: sqlite3.Connection, kind: Kind, given: Sequence[tuple[str, str, float, float | None, float | None]]
) -> None:
    if not given:
        return
    known = numbers(db, kind)
    for printer, name in dict.fromkeys((each[0], each[1]) for each in given):
        if (printer, name) not in known:
            added = db.execute(
                f"INSERT INTO {kind.names} (printer, {kind.name}) VALUES (?, ?)", (printer, name)
            )
            known[printer, name] = added.lastrowid or 0
    # Those of one heater lie together: a quarter less work for the database.
    rows = sorted(
        ((known[printer, name], at, value, target) for printer, name, at, value, target in given),
        key=itemgetter(0, 1),
    )
    minutes = _sums(_insert(db, kind, [next(same) for _, same in groupby(rows, itemgetter(0, 1))]))
    _merge(db, kind, kind.minutes, minutes)
    _merge(db, kind, kind.hours, [_summed(hour, HOUR_S) for hour in _by_hour(minutes)])


def _insert(db: sqlite3.Connection, kind: Kind, rows: list[Row]) -> list[Row]:
    """Keep these rows; returns those of them that are new."""
    columns: tuple[str, ...] = (kind.name, "at", kind.value)
    if kind.target != "NULL":
        columns = (*columns, kind.target)
    width = len(columns)
    statement = f"INSERT OR IGNORE INTO {kind.raw} ({', '.join(columns)}) VALUES ({', '.join('?' * width)})"
    db.execute("SAVEPOINT at_once")
    try:
        if db.executemany(statement, (row[:width] for row in rows)).rowcount == len(rows):
            return rows
        db.execute("ROLLBACK TO at_once")  # some are there already: find out which, one by one
        return [row for row in rows if db.execute(statement, row[:width]).rowcount]
    finally:
        db.execute("RELEASE at_once")


def _sums(rows: Iterable[Row]) -> list[Sum]:
    """By minute. rows: in the order of their numbers and of time; those without a value are left out."""
    valued = [row for row in rows if row[2] is not None]
    found = []
    for (of, minute), same in groupby(valued, lambda row: (row[0], row[1] // MINUTE_S)):
        minutes = list(same)
        values: list[float] = [value for _, _, value, _ in minutes if value is not None]
        _, last_at, _, target = minutes[-1]
        found.append(
            Sum(
                of,
                int(minute) * MINUTE_S,
                len(values),
                sum(values) / len(values),
                min(values),
                max(values),
                values[-1],
                last_at,
                target,
            )
        )
    return found


def _by_hour(minutes: Iterable[Sum]) -> Iterator[list[Sum]]:
    for _, same in groupby(minutes, lambda each: (each.of, each.at // HOUR_S)):
        yield list(same)


def _summed(parts: Sequence[Sum], width: int) -> Sum:
    """Several of one heater as one, in the span of `width` seconds in which they lie."""
    last = parts[-1]
    readings = sum(each.readings for each in parts)
    return last._replace(
        at=last.at // width * width,
        readings=readings,
        mean=sum(each.mean * each.readings for each in parts) / readings,
        min=min(each.min for each in parts),
        max=max(each.max for each in parts),
    )


def _merge(db: sqlite3.Connection, kind: Kind, table: str, sums: Sequence[Sum]) -> None:
    """Add them to what is there of the same minutes, or hours. What is read later is the `last`."""
    newest = ("last", "last_at") if kind.target == "NULL" else ("last", "last_at", "target")
    columns = (kind.name, "at", "count", "mean", "min", "max", *newest)
    later = [
        f"{name} = CASE WHEN excluded.last_at >= last_at THEN excluded.{name} ELSE {name} END"
        for name in newest
    ]
    db.executemany(
        f"""INSERT INTO {table} ({", ".join(columns)}) VALUES ({", ".join("?" * len(columns))})
            ON CONFLICT ({kind.name}, at) DO UPDATE SET
                mean = (mean * count + excluded.mean * excluded.count) / (count + excluded.count),
                count = count + excluded.count,
                min = min(min, excluded.min),
                max = max(max, excluded.max),
                {", ".join(later)}""",
        (each[: len(columns)] for each in sums),
    )
