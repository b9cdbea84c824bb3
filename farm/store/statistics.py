"""What printers did by the shop's days. Plain functions of a connection.

What there is to count of the prints of a day that is over lies together in one row, in columns: a year of
100,000 prints is some 365 rows. Such a row is thrown away, by the database itself, in the very transaction
that changes anything of a print of its day; a day without one is read print by print. So it cannot lie,
whoever forgets to make it again.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from sqlite3 import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farm.domain.job import PrintState
from farm.domain.occupation import Occupation
from farm.domain.statistics import STATES, Outcomes, Places

PACKED = np.dtype(
    [
        ("printer", "<u4"),  # these four: numbers of names, 0 for none
        ("material", "<u4"),
        ("state", "<u4"),
        ("cause", "<u4"),
        ("good", "<i4"),
        ("printed_s", "<f8"),
        ("filament_g", "<f8"),
        ("waited_s", "<f8"),
    ]
)
"""One print in a day's row."""

_PRINTS = """SELECT printer, material, state, cause, good, printed_s, filament_g, waited_s
    FROM prints INDEXED BY prints_by_day WHERE day = ?"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """From the day `first` to the day `last`, both counted in. printers: None for all there are and were."""

    first: date
    last: date
    printers: Collection[str] | None = None
    material: str | None = None


# -- prints ------------------------------------------------------------------------------------------


def outcomes(db: Connection, wanted: Wanted) -> Outcomes:
    """The prints that ended then."""
    numbers = _Numbers(db)
    rows = db.execute(
        "SELECT day, prints FROM print_days WHERE day BETWEEN ? AND ? ORDER BY day",
        (wanted.first.isoformat(), wanted.last.isoformat()),
    ).fetchall()
    pieces = [_of_day(db, day, numbers) if packed is None else packed for day, packed in rows]
    found = np.frombuffer(b"".join(pieces), PACKED)
    day = np.repeat(np.arange(len(pieces)), [len(piece) // PACKED.itemsize for piece in pieces])
    chosen = np.ones(len(found), np.bool_)
    if wanted.printers is not None:
        chosen &= np.isin(found["printer"], numbers.known(wanted.printers))
    if wanted.material is not None:
        chosen &= np.isin(found["material"], numbers.known([wanted.material]))
    if not chosen.all():
        found, day = found[chosen], day[chosen]
    names = numbers.names()
    printers, printer = _placed(found["printer"], names)
    materials, material = _placed(found["material"], names)
    causes, cause = _placed(found["cause"], names)
    states, state = _placed(found["state"], names)
    return Outcomes(
        printers=[name or "" for name in printers],
        materials=materials,
        days=[date.fromisoformat(day) for day, _ in rows],
        causes=causes,
        printer=printer,
        material=material,
        day=day,
        cause=cause,
        state=np.array([STATES.index(PrintState(name)) for name in states if name], np.int64)[state],
        good=found["good"].astype(np.int64),
        printed_s=found["printed_s"].astype(np.float64),
        filament_g=found["filament_g"].astype(np.float64),
        waited_s=found["waited_s"].astype(np.float64),
    )


def pack(db: Connection, before: date, most: int = 20) -> int:
    """Make the rows of days before that one that have none, at most so many. Returns how many it made."""
    days = db.execute(
        "SELECT day FROM print_days WHERE prints IS NULL AND day < ? LIMIT ?", (before.isoformat(), most)
    ).fetchall()
    numbers = _Numbers(db)
    for (day,) in days:
        db.execute("UPDATE print_days SET prints = ? WHERE day = ?", (_of_day(db, day, numbers), day))
    numbers.keep(db)
    return len(days)


class _Numbers:
    """Small numbers for names, from 1 on; 0 is none. Those that are new hold only once they are kept."""

    def __init__(self, db: Connection) -> None:
        rows = db.execute("SELECT name, id FROM counted_names ORDER BY id").fetchall()
        self._numbers: dict[str, int] = dict(map(tuple, rows))
        self._kept = len(rows)

    def of(self, name: str | None) -> int:
        return 0 if name is None else self._numbers.setdefault(name, len(self._numbers) + 1)

    def known(self, names: Iterable[str]) -> list[int]:
        """The numbers of those that have one."""
        return [self._numbers[name] for name in names if name in self._numbers]

    def names(self) -> Sequence[str | None]:
        """By number."""
        return [None, *self._numbers]

    def keep(self, db: Connection) -> None:
        new = list(self._numbers.items())[self._kept :]
        db.executemany("INSERT INTO counted_names (name, id) VALUES (?, ?)", new)


def _of_day(db: Connection, day: str, numbers: _Numbers) -> bytes:
    """A day's prints, read one by one, as they are packed."""
    prints = np.array(
        [
            (
                *(numbers.of(name) for name in named),
                -1 if good is None else good,
                *(np.nan if amount is None else amount for amount in amounts),
            )
            for *named, good, printed_s, filament_g, waited_s in db.execute(_PRINTS, (day,))
            for amounts in ((printed_s or 0.0, filament_g, waited_s),)
        ],
        PACKED,
    )
    return prints.tobytes()


def _placed(numbers: NDArray[Any], names: Sequence[str | None]) -> tuple[list[str | None], Places]:
    """The names that there are, and where among them each is."""
    there = np.bincount(numbers, minlength=len(names)) > 0
    places = np.cumsum(there) - 1
    return [name for name, is_there in zip(names, there.tolist(), strict=True) if is_there], places[numbers]


# -- time --------------------------------------------------------------------------------------------


def spend(db: Connection, printer: str, day: date, seconds: Mapping[Occupation, float]) -> None:
    """So much more of a printer's time went into this on that day.

    Kept as meters are read: all there was from the beginning up to the end of each day, so that any span is
    the difference of two readings. Later days than this are there where somebody has put the clock back.
    """
    at = (printer, day.isoformat())
    db.execute(
        f"""INSERT OR IGNORE INTO printer_days (printer, day, {_METERS})
            SELECT printer, ?2, {_METERS} FROM printer_days WHERE printer = ?1 AND day <= ?2
            ORDER BY day DESC LIMIT 1""",
        at,
    )
    db.execute("INSERT OR IGNORE INTO printer_days (printer, day) VALUES (?, ?)", at)
    for occupation, more_s in seconds.items():
        column = f"{occupation}_s"
        db.execute(
            f"UPDATE printer_days SET {column} = {column} + ?3 WHERE printer = ?1 AND day >= ?2",
            (*at, more_s),
        )


def is_known(db: Connection, printer: str) -> bool:
    """Whether it is in the farm, or was."""
    found = db.execute(
        """SELECT 1 FROM printers WHERE id = ?1 UNION ALL SELECT 1 FROM prints WHERE printer = ?1
           UNION ALL SELECT 1 FROM printer_days WHERE printer = ?1 LIMIT 1""",
        (printer,),
    )
    return found.fetchone() is not None


def time_spent(db: Connection, wanted: Wanted) -> dict[str, dict[Occupation, float]]:
    """By printer, the seconds that went into each occupation while the farm was running."""
    printers = None if wanted.printers is None else json.dumps(sorted(wanted.printers))
    rows = db.execute(_SPENT, (wanted.first.isoformat(), wanted.last.isoformat(), printers)).fetchall()
    return {printer: dict(zip(Occupation, seconds, strict=True)) for printer, *seconds in rows}


_METERS = ", ".join(f"{occupation}_s" for occupation in Occupation)
_SPENT = f"""
    WITH RECURSIVE there (printer) AS (  -- one look for each, however many days there are
        SELECT min(printer) FROM printer_days
        UNION ALL
        SELECT (SELECT min(printer) FROM printer_days WHERE printer > there.printer)
        FROM there WHERE printer IS NOT NULL)
    SELECT there.printer, {", ".join(f"last.{o}_s - coalesce(first.{o}_s, 0.0)" for o in Occupation)}
    FROM there
    JOIN printer_days AS last ON last.printer = there.printer AND last.day = (
        SELECT max(day) FROM printer_days WHERE printer = there.printer AND day <= ?2)
    LEFT JOIN printer_days AS first ON first.printer = there.printer AND first.day = (
        SELECT max(day) FROM printer_days WHERE printer = there.printer AND day < ?1)
    WHERE last.day >= ?1 AND (?3 IS NULL OR there.printer IN (SELECT value FROM json_each(?3)))"""
