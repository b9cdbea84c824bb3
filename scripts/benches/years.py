"""How long questions about a year take: 1,000 printers, 100,000 prints, and curves of a printer.

Databases as they are after a year, in files; each question as a request asks it, up to the bytes it answers
with, and the median of several.
"""

from __future__ import annotations

import random
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import msgspec

from farm.domain.clock import iso
from farm.domain.file import FileKind, StoredFile
from farm.domain.job import FailureCause, Job, JobState, PrintState
from farm.domain.occupation import Occupation
from farm.domain.printer import Address, Printer, Profile
from farm.store import changes, curves, files, histories, jobs, printers, readings, statistics
from farm.store.connection import FARM, TELEMETRY, Keeping, dial, for_reading, for_writing
from farm.store.readings import Reading
from farm.store.schema import view
from farm.store.statistics import Wanted
from farm.web.statistics import look, told
from scripts.benches.figure import Figure

PRINTERS, PRINTS, LINES = 1000, 100_000, 300_000
MEASURED_PRINTERS = 10
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 365
YEAR = Wanted(date(2026, 1, 1), date(2026, 12, 31))
HEATERS = ("tool0", "bed", "chamber")
DAY_S, HOUR_S = 86_400, 3600
SPANS_S = {"a_year": DAYS * DAY_S, "two_weeks": 14 * DAY_S, "a_day": DAY_S, "four_hours": 4 * HOUR_S}
POWER = Profile(printing_w=120.0, heat_up_w=350.0, heat_up_s=180.0)


def run(quick: bool) -> list[Figure]:
    """Fewer rounds where it shall be quick: most of the time goes into making the year."""
    rounds = 7 if quick else 25
    with tempfile.TemporaryDirectory(prefix="farm-bench-") as folder:
        counted = _filled(Path(folder) / "farm.db", FARM, _fill)
        measured = _filled(Path(folder) / "telemetry.db", TELEMETRY, _measure)
        with closing(counted), closing(measured):
            one = Wanted(YEAR.first, YEAR.last, {_name(7)})
            asked: dict[str, Callable[[], object]] = {
                "statistics_of_a_year_looked_up": lambda: look(counted, YEAR),
                "statistics_of_a_year_answered": lambda: _answered(counted, YEAR),
                "statistics_of_a_year_of_one_printer": lambda: _answered(counted, one),
                "first_pages_of_a_printers_history": lambda: _history(counted, _name(7)),
                **{f"curves_of_{name}": partial(_curves, measured, span) for name, span in SPANS_S.items()},
            }
            return [Figure(name, _took_ms(ask, rounds), "ms", goal="value<50") for name, ask in asked.items()]


def _took_ms(ask: Callable[[], object], rounds: int) -> float:
    took_ms = []
    for _ in range(rounds):
        begun = perf_counter()
        ask()
        took_ms.append((perf_counter() - begun) * 1000)
    return median(took_ms)


def _answered(db: sqlite3.Connection, wanted: Wanted) -> bytes:
    return msgspec.json.encode(told(look(db, wanted), wanted))


def _history(db: sqlite3.Connection, printer: str) -> None:
    """The first pages of all there is of it."""
    changes.of_printer(db, printer, None, 51)
    histories.statuses(db, printer, None, 51, None, None)
    histories.troubles(db, printer, None, 51)


def _curves(db: sqlite3.Connection, span_s: int) -> None:
    """Of all heaters of a printer, up to the end."""
    end = (NEW_YEAR + timedelta(days=DAYS)).timestamp()
    curves.of_printer(db, _name(3), end - span_s, end, curves.step_for(span_s))


# -- a year ------------------------------------------------------------------------------------------


def _name(number: int) -> str:
    return f"printer-{number:04d}"


def _filled(path: Path, keeping: Keeping, fill: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
    """A connection that reads it."""
    with closing(for_writing(dial(path), keeping)) as db:
        keeping.migrations.apply(view(db))
        db.execute("BEGIN")
        fill(db)
        db.execute("COMMIT")
    return for_reading(dial(path))


def _fill(db: sqlite3.Connection) -> None:
    files.add(db, StoredFile("f1", "a.gcode", FileKind.GCODE, 1, "00" * 32, "bench", NEW_YEAR))
    jobs.add(db, Job("j1", "f1", "a", 1, JobState.DONE, "bench", NEW_YEAR), "bench")
    for number in range(PRINTERS):
        printer = Printer(
            _name(number), f"Printer {number}", Address("octoprint", "http://10.0.0.1"), profile=POWER
        )
        printers.add(db, printer, b"", NEW_YEAR, "bench")
    db.executemany(
        """INSERT INTO prints (id, job, printer, attempt, remote_name, state, reserved_at, started_at,
               ended_at, day, material, printed_s, filament_g, good, cause, waited_s)
           VALUES (?, 'j1', ?, ?, 'a.gcode', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        _prints(random.Random(1)),
    )
    db.execute(
        """INSERT INTO state_changes (at, thing, thing_id, from_state, to_state, who, why)
           SELECT ended_at, thing, CASE thing WHEN 'print' THEN id ELSE printer END, '', state, 'bench', ''
           FROM prints, (SELECT 'print' AS thing UNION ALL SELECT 'print' UNION ALL SELECT 'print'
                         UNION ALL SELECT 'plate' UNION ALL SELECT 'plate') ORDER BY ended_at"""
    )
    for day in range(DAYS):
        for number in range(PRINTERS):
            spent = {Occupation.PRINTING: 30_000.0, Occupation.IDLE: 50_000.0, Occupation.WAITING: 6400.0}
            statistics.spend(db, _name(number), YEAR.first + timedelta(days=day), spent)
    db.executemany(
        """INSERT INTO printer_status_history (printer, at, connection, operation, plate, occupation, message)
           VALUES (?, ?, 'online', 'idle', 'clear', 'idle', '')""",
        ((_name(n % PRINTERS), iso(NEW_YEAR + timedelta(days=DAYS) * (n / LINES))) for n in range(LINES)),
    )
    while statistics.pack(db, YEAR.last):
        pass


def _prints(chance: random.Random) -> Iterator[tuple[object, ...]]:
    states = [*[PrintState.FINISHED] * 18, PrintState.FAILED, PrintState.CANCELLED]
    for number in range(PRINTS):
        end = NEW_YEAR + timedelta(days=DAYS) * (number / PRINTS)
        state = chance.choice(states)
        yield (
            f"{number:024x}", _name(chance.randrange(PRINTERS)), f"{number:06x}", state,
            iso(end), iso(end), iso(end), f"{end.date()}",
            chance.choice(["PLA", "PLA", "PLA", "PETG", "ABS"]), chance.randrange(20_000) + 60.0,
            chance.choice([None, 12.5]),
            chance.choice([0, 1, 1, 1]) if state == PrintState.FINISHED else None,
            FailureCause.WARPED if state == PrintState.FAILED else None, chance.choice([None, 600.0]),
        )  # fmt: skip


def _measure(db: sqlite3.Connection) -> None:
    """A day of single readings, two weeks of minutes and a year of hours, of three heaters each."""
    end = int((NEW_YEAR + timedelta(days=DAYS)).timestamp())
    names = [(_name(number), heater) for number in range(MEASURED_PRINTERS) for heater in HEATERS]
    readings.add(db, [Reading(*name, float(end - 1), 205.0, 210.0) for name in names])
    numbers = readings.numbers(db, readings.TEMPERATURE)
    of = [numbers[name] for name in names]
    raw = ((number, float(at), 200.0 + at % 10, 210.0) for number in of for at in range(end - DAY_S, end - 1))
    db.executemany("INSERT INTO temperature_readings VALUES (?, ?, ?, ?)", raw)
    sums = "VALUES (?, ?, ?, 205.0, 200.0, 210.0, 205.0, ?, 210.0)"
    for insert, step_s, span_s in (
        (f"INSERT OR IGNORE INTO temperature_minutes {sums}", 60, 14 * DAY_S),
        (f"INSERT OR IGNORE INTO temperature_hours {sums}", HOUR_S, DAYS * DAY_S),
    ):
        rows = ((number, at, step_s, at + 1) for number in of for at in range(end - span_s, end, step_s))
        db.executemany(insert, rows)
