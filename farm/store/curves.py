"""Curves of what printers measured: of any span, small, and read from the tables that are just fine enough.

Plain functions of a connection.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from farm.store.readings import HOUR_S, KINDS, MINUTE_S, TEMPERATURE, Kind, numbers_of

MOST_POINTS = 2000  # of one curve
USUAL_POINTS = 300  # enough for a chart as wide as a screen
MOST_READINGS = 50_000  # of all curves together that are read one by one: some 40 ms
STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400)


class Level(StrEnum):
    """From how fine a table a curve is."""

    RAW = "raw"
    MINUTE = "minute"
    HOUR = "hour"

    @property
    def width_s(self) -> int:
        """The span that one of its rows stands for; 0 for a single reading."""
        return {Level.RAW: 0, Level.MINUTE: MINUTE_S, Level.HOUR: HOUR_S}[self]

    def table(self, kind: Kind) -> str:
        return {Level.RAW: kind.raw, Level.MINUTE: kind.minutes, Level.HOUR: kind.hours}[self]


class Point(NamedTuple):
    """What was read from `at` on, in Unix seconds, for the step of its curve: `readings` of them.

    target: what was wished for when `last` was read.
    """

    at: int
    readings: int
    mean: float
    min: float
    max: float
    last: float
    target: float | None


@dataclass(frozen=True, slots=True)
class Curve:
    """One heater's, or one channel's. Steps in which nothing was read are left out."""

    kind: Kind
    name: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Curves:
    """Of one printer. level: from how fine a table. step_s: what each point stands for, in seconds."""

    level: Level
    step_s: int
    curves: Sequence[Curve]


def step_for(span_s: float) -> int:
    """What a point is to stand for in a chart of so many seconds: a round number of them."""
    wanted = span_s / USUAL_POINTS
    day = STEPS_S[-1]
    return next((step for step in STEPS_S if step >= wanted), math.ceil(wanted / day) * day)


def of_printer(
    db: sqlite3.Connection,
    printer: str,
    start: float,
    end: float,
    step_s: int,
    names: Collection[str] | None = None,
) -> Curves:
    """A printer's curves over [start, end). step_s: at least what makes MOST_POINTS of the span.

    names: of heaters and channels; None for all heaters, and nothing else.
    """
    wanted = [
        (kind, name, number)
        for kind in KINDS
        for name, number in numbers_of(db, kind, printer).items()
        if (kind is TEMPERATURE if names is None else name in names)
    ]
    level = _level(db, wanted, start, end, step_s)
    width = level.width_s or 1
    step = math.ceil(step_s / width) * width
    curves = [
        Curve(kind, name, _points(db, level, kind, number, start, end, step)) for kind, name, number in wanted
    ]
    return Curves(level, step, curves)


def _level(
    db: sqlite3.Connection, wanted: Sequence[tuple[Kind, str, int]], start: float, end: float, step_s: int
) -> Level:
    """The coarsest that is fine enough for the step, or a coarser one where that does not reach back."""
    levels = list(Level)
    level = max((each for each in levels if each.width_s <= step_s), key=lambda each: each.width_s)
    if level is Level.RAW and _how_many(db, wanted, start, end) > MOST_READINGS:
        level = Level.MINUTE
    for coarser in levels[levels.index(level) + 1 :]:
        here, there = (_oldest(db, each, wanted) for each in (level, coarser))
        # A coarser row begins before the readings it was made of.
        if here > start and there + coarser.width_s <= here:
            level = coarser
    return level


def _how_many(
    db: sqlite3.Connection, wanted: Sequence[tuple[Kind, str, int]], start: float, end: float
) -> int:
    """Single readings in the span, counted no further than is needed."""
    found = 0
    for kind, _, number in wanted:
        if found > MOST_READINGS:
            break
        found += db.execute(
            f"""SELECT count(*) FROM (
                SELECT 1 FROM {kind.raw} WHERE {kind.name} = ? AND at >= ? AND at < ? LIMIT ?)""",
            (number, start, end, MOST_READINGS + 1 - found),
        ).fetchone()[0]
    return found


def _oldest(db: sqlite3.Connection, level: Level, wanted: Sequence[tuple[Kind, str, int]]) -> float:
    """When the first of these was read that is kept on this level; infinity for none."""
    found = [
        db.execute(f"SELECT min(at) FROM {level.table(kind)} WHERE {kind.name} = ?", (number,)).fetchone()[0]
        for kind, _, number in wanted
    ]
    return min((at for at in found if at is not None), default=math.inf)


def reach(db: sqlite3.Connection, printer: str) -> tuple[float, float] | None:
    """Between which times there is anything of a printer, in Unix seconds; None for nothing."""
    found = [
        db.execute(
            f"SELECT min(at), max(at) FROM {level.table(kind)} WHERE {kind.name} = ?", (number,)
        ).fetchone()
        for kind in KINDS
        for number in numbers_of(db, kind, printer).values()
        for level in Level
    ]
    there = [(first, last) for first, last in found if first is not None]
    return (min(first for first, _ in there), max(last for _, last in there)) if there else None


def _points(
    db: sqlite3.Connection, level: Level, kind: Kind, number: int, start: float, end: float, step: int
) -> list[Point]:
    if level is Level.RAW:
        sums = f"count(*), avg({kind.value}), min({kind.value}), max({kind.value})"
        last, there = kind.value, f"{kind.value} IS NOT NULL"
    else:
        sums = "sum(count), sum(mean * count) / sum(count), min(min), max(max)"
        last, there = "last", "1"
        start = start // level.width_s * level.width_s  # the one in which it begins belongs to it
    rows = f"""FROM {level.table(kind)}
        WHERE {kind.name} = :number AND at >= :start AND at < :end AND {there}
        GROUP BY CAST(at / :step AS INTEGER) ORDER BY 1"""
    span = {"number": number, "start": start, "end": end, "step": step}
    summed = db.execute(f"SELECT CAST(at / :step AS INTEGER), {sums} {rows}", span)
    # Beside a single max() SQLite takes the other columns from the row that has it.
    newest = db.execute(f"SELECT CAST(at / :step AS INTEGER), max(at), {last}, {kind.target} {rows}", span)
    return [
        Point(number * step, count, mean, least, most, last, target)
        for (number, count, mean, least, most), (_, _, last, target) in zip(summed, newest, strict=True)
    ]
