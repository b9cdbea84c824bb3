"""What printers did by the shop's days. Plain functions of a connection.

Prints are counted in an index that holds all there is to count of them, in the order in which they are taken
together: 100,000 of them in some 40 ms, without a table of sums that would have to be kept true.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from sqlite3 import Connection
from typing import NamedTuple

from farm.domain.job import FailureCause, PrintState
from farm.domain.occupation import Occupation
from farm.domain.statistics import Tally


@dataclass(frozen=True, slots=True)
class Wanted:
    """From the day `first` to the day `last`, both counted in. printers: None for all there are and were."""

    first: date
    last: date
    printers: Collection[str] | None = None
    material: str | None = None

    @property
    def _given(self) -> dict[str, str | None]:
        printers = None if self.printers is None else json.dumps(sorted(self.printers))
        return {
            "first": self.first.isoformat(),
            "last": self.last.isoformat(),
            "printers": printers,
            "material": self.material,
        }


class DayTally(NamedTuple):
    """The prints that ended on one day. bad: failed or spoiled."""

    day: date
    good: int
    bad: int
    other: int
    printed_s: float
    filament_g: float


_OF_PRINTERS = "AND (:printers IS NULL OR printer IN (SELECT value FROM json_each(:printers)))"
_OF_MATERIAL = "AND (:material IS NULL OR material = :material)"


def tallies(db: Connection, wanted: Wanted) -> list[Tally]:
    """The prints that ended then, those alike taken together."""
    rows = db.execute(
        f"""SELECT printer, material, state, cause, count(*), coalesce(sum(good = 0), 0),
               coalesce(sum(good), 0), coalesce(sum(printed_s), 0), coalesce(sum(printed_s > 0), 0),
               coalesce(sum(filament_g), 0), count(waited_s), coalesce(sum(waited_s), 0),
               coalesce(max(waited_s), 0)
            FROM prints INDEXED BY prints_by_outcome
            WHERE day BETWEEN :first AND :last {_OF_PRINTERS} {_OF_MATERIAL}
            GROUP BY printer, material, state, cause""",
        wanted._given,
    ).fetchall()
    return [
        Tally(printer, material, PrintState(state), FailureCause(cause) if cause else None, *rest)
        for printer, material, state, cause, *rest in rows
    ]


def days(db: Connection, wanted: Wanted) -> list[DayTally]:
    """What ended on each day on which any print did."""
    rows = db.execute(
        f"""SELECT day, sum(state = 'finished' AND good IS NOT 0),
               sum((state IN ('failed', 'interrupted') AND printed_s > 0)
                   OR (state = 'finished' AND good IS 0)),
               count(*), coalesce(sum(printed_s), 0), coalesce(sum(filament_g), 0)
            FROM prints INDEXED BY prints_by_day
            WHERE day BETWEEN :first AND :last {_OF_PRINTERS} {_OF_MATERIAL}
            GROUP BY day""",
        wanted._given,
    ).fetchall()
    return [
        DayTally(date.fromisoformat(day), good, bad, count - good - bad, printed_s, filament_g)
        for day, good, bad, count, printed_s, filament_g in rows
    ]


def time_spent(db: Connection, wanted: Wanted) -> dict[str, dict[Occupation, float]]:
    """By printer, the seconds that went into each occupation while the farm was running."""
    sums = ", ".join(f"sum({occupation}_s)" for occupation in Occupation)
    rows = db.execute(
        f"""SELECT printer, {sums} FROM printer_days WHERE day BETWEEN :first AND :last {_OF_PRINTERS}
            GROUP BY printer""",
        wanted._given,
    ).fetchall()
    return {printer: dict(zip(Occupation, seconds, strict=True)) for printer, *seconds in rows}
