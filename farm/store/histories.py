"""How printers stood, how prints came along, what was the matter, and what each day's time went into.

Plain functions of a connection; none commits.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from sqlite3 import Connection, Row
from typing import NamedTuple, TypeVar

from farm.domain.clock import iso, parse_iso
from farm.domain.occupation import Occupation, Trouble
from farm.store import shop, statistics

MOST_LINES = 10_000  # of each kind that wait for the disk; of more the oldest go
MOST_SLOTS = 100_000  # in which time went on and that wait, too: a day of a thousand printers
MOST_ROWS = 1_000_000  # of each table, however young they are
SLOT_S = 900  # the days of every zone begin with a quarter of an hour

T = TypeVar("T")


class StatusLine(NamedTuple):
    """A printer stood so from `at` on. message: in the words of the shop."""

    printer: str
    at: datetime
    connection: str
    operation: str
    plate: str
    occupation: Occupation
    print: str | None
    message: str


class ProgressLine(NamedTuple):
    """How far a print had come. progress: 0..1. elapsed_s, remaining_s: as its printer told it."""

    print: str
    at: datetime
    progress: float
    elapsed_s: float | None
    remaining_s: float | None


class TroubleBegun(NamedTuple):
    """Something is the matter with a printer; nothing else was any more."""

    printer: str
    at: datetime
    kind: Trouble
    print: str | None
    message: str


class TroubleEnded(NamedTuple):
    """What was the matter with a printer is over."""

    printer: str
    at: datetime


OpenTrouble = tuple[str, Trouble]
"""A printer, and what is the matter with it."""


def _few() -> deque[T]:
    return deque(maxlen=MOST_LINES)


@dataclass(slots=True)
class Lines:
    """What is to be written. seconds: by printer, Unix time of the quarter of an hour, and occupation."""

    statuses: deque[StatusLine] = field(default_factory=_few)
    progress: deque[ProgressLine] = field(default_factory=_few)
    troubles: deque[TroubleBegun | TroubleEnded] = field(default_factory=_few)
    seconds: dict[tuple[str, int, Occupation], float] = field(default_factory=lambda: defaultdict(float))

    def extend(self, later: Lines) -> None:
        """Take in what came after these."""
        self.statuses.extend(later.statuses)
        self.progress.extend(later.progress)
        self.troubles.extend(later.troubles)
        for place, seconds in later.seconds.items():
            self.seconds[place] += seconds
        for place in list(islice(self.seconds, max(0, len(self.seconds) - MOST_SLOTS))):
            del self.seconds[place]

    @property
    def is_urgent(self) -> bool:
        """Whether there is more than time that went on."""
        return bool(self.statuses or self.progress or self.troubles)


# -- writing -----------------------------------------------------------------------------------------


def keep(db: Connection, lines: Lines) -> None:
    """Write all of it."""
    db.executemany(
        """INSERT INTO printer_status_history
               (printer, at, connection, operation, plate, occupation, print, message)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
        ((line.printer, iso(line.at), *line[2:]) for line in lines.statuses),
    )
    db.executemany(
        """INSERT INTO job_progress_history (print, at, progress, elapsed_s, remaining_s)
           VALUES (?, ?, ?, ?, ?)""",
        ((line.print, iso(line.at), *line[2:]) for line in lines.progress),
    )
    for line in lines.troubles:
        db.execute(
            "UPDATE error_logs SET ended_at = ? WHERE printer = ? AND ended_at IS NULL",
            (iso(line.at), line.printer),
        )
        if isinstance(line, TroubleBegun):
            db.execute(
                "INSERT INTO error_logs (printer, at, kind, print, message) VALUES (?, ?, ?, ?, ?)",
                (line.printer, iso(line.at), line.kind, line.print, line.message),
            )
    _count(db, lines.seconds)


def _count(db: Connection, seconds: Mapping[tuple[str, int, Occupation], float]) -> None:
    """Add to the days, which are the shop's own."""
    zone = shop.constraints(db).zone if seconds else None
    spent: dict[tuple[str, int], dict[Occupation, float]] = defaultdict(dict)
    for (printer, slot, occupation), more_s in seconds.items():
        spent[printer, slot][occupation] = more_s
    for (printer, slot), more in spent.items():
        day = datetime.fromtimestamp(slot, UTC).astimezone(zone).date()
        statistics.spend(db, printer, day, more)


def prune(db: Connection, before: datetime, most: int = 5000) -> int:
    """Forget lines from before that moment, and the oldest of too many; at most `most` of each table.

    Repeat until it returns 0. A trouble that is not over yet stays.
    """
    gone = 0
    for table, stays in _TABLES.items():
        newest = db.execute(f"SELECT max(id) FROM {table}").fetchone()[0] or 0
        gone += db.execute(
            f"""DELETE FROM {table} WHERE id IN (SELECT id FROM {table} ORDER BY id LIMIT ?3)
                AND NOT {stays} AND (at < ?1 OR id <= ?2)""",
            (iso(before), newest - MOST_ROWS, most),
        ).rowcount
    return gone


_TABLES = {"printer_status_history": "0", "job_progress_history": "0", "error_logs": "ended_at IS NULL"}
"""Each with which of its lines stay whatever their age."""


# -- reading -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StatusPeriod:
    """From `line.at` up to `ended_at` a printer stood so; None: it still does, as far as is known."""

    id: int
    line: StatusLine
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class TroublePeriod:
    """Something was the matter with a printer. ended_at: None while it is."""

    id: int
    begun: TroubleBegun
    ended_at: datetime | None


def open_troubles(db: Connection) -> list[OpenTrouble]:
    """What is the matter with printers, as far as was written."""
    rows = db.execute("SELECT printer, kind FROM error_logs WHERE ended_at IS NULL").fetchall()
    return [(row["printer"], Trouble(row["kind"])) for row in rows]


def statuses(
    db: Connection, printer: str, before: int | None, limit: int, start: datetime | None, end: datetime | None
) -> list[StatusPeriod]:
    """How a printer stood, newest first: at most `limit` periods older than line `before`.

    start, end: only periods that begin in between; None for no such bound.
    """
    rows = db.execute(
        """SELECT *, (SELECT at FROM printer_status_history AS later
                      WHERE later.printer = line.printer AND later.id > line.id
                      ORDER BY later.id LIMIT 1) AS ended_at
           FROM printer_status_history AS line
           WHERE printer = ?1 AND id < coalesce(?2, id + 1)
               AND at >= coalesce(?4, at) AND (?5 IS NULL OR at < ?5)
           ORDER BY id DESC LIMIT ?3""",
        (printer, before, limit, _iso(start), _iso(end)),
    ).fetchall()
    return [_status(row) for row in rows]


def troubles(db: Connection, printer: str, before: int | None, limit: int) -> list[TroublePeriod]:
    """What was the matter with a printer, newest first: at most `limit` lines older than line `before`."""
    rows = db.execute(
        """SELECT * FROM error_logs WHERE printer = ?1 AND id < coalesce(?2, id + 1)
           ORDER BY id DESC LIMIT ?3""",
        (printer, before, limit),
    ).fetchall()
    return [_trouble(row) for row in rows]


def progress(db: Connection, print_id: str, after: int, limit: int) -> list[tuple[int, ProgressLine]]:
    """How a print came along, oldest first: at most `limit` lines after line `after`, with their numbers."""
    rows = db.execute(
        "SELECT * FROM job_progress_history WHERE print = ? AND id > ? ORDER BY id LIMIT ?",
        (print_id, after, limit),
    ).fetchall()
    return [
        (
            row["id"],
            ProgressLine(
                row["print"], parse_iso(row["at"]), row["progress"], row["elapsed_s"], row["remaining_s"]
            ),
        )
        for row in rows
    ]


def _status(row: Row) -> StatusPeriod:
    line = StatusLine(
        printer=row["printer"],
        at=parse_iso(row["at"]),
        connection=row["connection"],
        operation=row["operation"],
        plate=row["plate"],
        occupation=Occupation(row["occupation"]),
        print=row["print"],
        message=row["message"],
    )
    return StatusPeriod(row["id"], line, _moment(row["ended_at"]))


def _trouble(row: Row) -> TroublePeriod:
    begun = TroubleBegun(
        row["printer"], parse_iso(row["at"]), Trouble(row["kind"]), row["print"], row["message"]
    )
    return TroublePeriod(row["id"], begun, _moment(row["ended_at"]))


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else iso(moment)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else parse_iso(text)
