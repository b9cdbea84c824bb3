"""Durable commits, telemetry rows a second, waiting readers, and the slowest page of very many files.

The rivals make the same inserts under the same settings in a bare `sqlite3` loop: no actors, no threads,
nobody else served meanwhile. The disk's sync bounds both.
"""

from __future__ import annotations

import logging
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import NamedTuple

import structlog
import trio

from farm.store import curves, events, file_lists, readings
from farm.store.connection import FARM, TELEMETRY, dial, for_writing
from farm.store.database import Database
from farm.store.file_lists import SORTS, Place, Sort, Wanted
from farm.store.readings import Reading
from farm.store.schema import view
from scripts.benches.figure import Figure, Rival
from tests.store.many_files import MIDDLE, fill

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CALLERS = 50
PRINTERS, HEATERS = 100, 5
BATCH_S = 5  # seconds of readings in one write, as the data processor's `interval_s`
BATCH = PRINTERS * HEATERS * BATCH_S
CHART_STEP_S = 2000
READ_EVERY_S = 0.005
FILES = 100_000
A_RESULT = 2000  # bytes of what is known of one


class Measured(NamedTuple):
    """One run: things done a second, and how long each reader waited, in seconds."""

    per_s: float
    waits_s: list[float]

    @property
    def p99_ms(self) -> float:
        return quantiles(self.waits_s, n=100)[98] * 1000


def run(quick: bool) -> list[Figure]:
    """Medians of several runs in turn, each on files of its own."""
    seconds, rounds = (0.6, 5) if quick else (2.0, 9)
    bare, bare_grouped, single, grouped, telemetry = [], [], [], [], []
    with _quiet():
        for _ in range(rounds):
            bare.append(_bare_commits(seconds, 1))
            single.append(_commits(seconds, 1))
            bare_grouped.append(_bare_commits(seconds, CALLERS))
            grouped.append(_commits(seconds, CALLERS))
            telemetry.append(_telemetry(seconds))
    return [
        Figure(
            "durable_commits_1_caller",
            median(one.per_s for one in single),
            "commits/s",
            Rival("bare loop, one a transaction", median(bare)),
        ),
        Figure(
            f"durable_commits_{CALLERS}_callers",
            median(one.per_s for one in grouped),
            "commits/s",
            Rival(f"bare loop, {CALLERS} a transaction", median(bare_grouped)),
            goal="value>=2000",
        ),
        Figure("readers_p99_beside_commits", median(one.p99_ms for one in grouped), "ms", goal="value<50"),
        Figure("telemetry_rows", median(one.per_s for one in telemetry), "rows/s", goal="value>=50000"),
        Figure("readers_p99_beside_rows", median(one.p99_ms for one in telemetry), "ms", goal="value<50"),
        Figure(f"slowest_list_of_{FILES}_files", _slowest_list(rounds), "ms", goal="value<100"),
    ]


@contextmanager
def _quiet() -> Iterator[None]:
    """Say nothing of the many databases that are made."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    try:
        yield
    finally:
        structlog.configure(**before)


def _note(db: sqlite3.Connection, n: int) -> int:
    """What a change of state costs: its row and its fact."""
    db.execute(
        "INSERT INTO state_changes (at, thing, thing_id, from_state, to_state, who, why)"
        " VALUES ('2026-03-02T12:00:00.000Z', 'print', ?, 'starting', 'printing', 'system', '')",
        (str(n),),
    )
    return events.record(
        db, "job.progress", ["queue", "printer:p1"], NOON, {"print": str(n), "progress": 0.5}
    )


def _newest_facts(db: sqlite3.Connection) -> int:
    return len(events.since(db, events.last_seq(db) - 100))


def _bare_commits(seconds: float, per_transaction: int) -> float:
    with tempfile.TemporaryDirectory(prefix="farm-bench-") as folder:
        path = Path(folder) / "farm.db"
        trio.run(_prepare, path)
        with closing(for_writing(dial(path), FARM)) as db:
            done, begun = 0, perf_counter()
            while perf_counter() - begun < seconds:
                db.execute("BEGIN IMMEDIATE")
                for _ in range(per_transaction):
                    _note(db, done)
                    done += 1
                db.execute("COMMIT")
            return done / (perf_counter() - begun)


async def _prepare(path: Path) -> None:
    async with Database(path, FARM).running():
        pass


def _commits(seconds: float, callers: int) -> Measured:
    """Each caller writes, waits until it is durable, and writes again; one reader looks now and then.

    A lone caller is measured alone: a reader's work in Python would be most of what it waits for.
    """
    with tempfile.TemporaryDirectory(prefix="farm-bench-") as folder:
        database_at, numbers = Path(folder) / "farm.db", count()

        async def main() -> Measured:
            database = Database(database_at, FARM)

            async def write() -> int:
                await database.write(_note, next(numbers))
                return 1

            async def read() -> None:
                await database.read(_newest_facts)

            async with database.running():
                return await _beside(seconds, [write] * callers, read if callers > 1 else None)

        return trio.run(main)


def _telemetry(seconds: float) -> Measured:
    """Two callers hand in batches in turn, as full buffers do; one reader draws a chart now and then."""
    with tempfile.TemporaryDirectory(prefix="farm-bench-") as folder:
        database_at, clock = Path(folder) / "telemetry.db", count()

        async def main() -> Measured:
            database = Database(database_at, TELEMETRY)

            async def write() -> int:
                await database.write(readings.add, _batch(next(clock)))
                return BATCH

            async def read() -> None:
                await database.read(curves.of_printer, "printer-07", 0, 1e6, CHART_STEP_S, {"heater-2"})

            async with database.running():
                return await _beside(seconds, [write] * 2, read)

        return trio.run(main)


def _batch(number: int) -> list[Reading]:
    return [
        Reading(f"printer-{printer:02}", f"heater-{heater}", float(number * BATCH_S + second), 205.5, 210.0)
        for second in range(BATCH_S)
        for printer in range(PRINTERS)
        for heater in range(HEATERS)
    ]


async def _beside(
    seconds: float, writers: list[Callable[[], Awaitable[int]]], read: Callable[[], Awaitable[None]] | None
) -> Measured:
    """Run the writers for a while, each again and again, and a reader beside them if there is one."""
    ends = trio.current_time() + seconds
    done, waits_s = 0, []

    async def keep_writing(write: Callable[[], Awaitable[int]]) -> None:
        nonlocal done
        while trio.current_time() < ends:
            wrote = await write()
            done += wrote  # not in one statement: that would read `done` before waiting

    async def keep_reading(read: Callable[[], Awaitable[None]]) -> None:
        while trio.current_time() < ends:
            begun = perf_counter()
            await read()
            waits_s.append(perf_counter() - begun)
            await trio.sleep(READ_EVERY_S)

    begun = perf_counter()
    async with trio.open_nursery() as nursery:
        for write in writers:
            nursery.start_soon(keep_writing, write)
        if read is not None:
            nursery.start_soon(keep_reading, read)
    return Measured(done / (perf_counter() - begun), waits_s)


def _slowest_list(rounds: int) -> float:
    """Milliseconds for a page, the median of several: first, from the middle, and of a search in vain."""
    with tempfile.TemporaryDirectory(prefix="farm-bench-") as folder:
        path = Path(folder) / "farm.db"
        with closing(for_writing(dial(path), FARM)) as db:
            FARM.migrations.apply(view(db))
            fill(db, FILES, A_RESULT)
        with closing(dial(path)) as db:
            wishes = [
                (wanted, Sort(by, falling), after)
                for by in SORTS
                for falling in (False, True)
                for wanted in (Wanted(), Wanted(("nowhere",)), Wanted(("5", "gcode"), material="ABS"))
                for after in (None, MIDDLE[by])
            ]
            return max(median(_page_ms(db, *wish) for _ in range(rounds)) for wish in wishes)


def _page_ms(db: sqlite3.Connection, wanted: Wanted, sort: Sort, after: Place | None) -> float:
    begun = perf_counter()
    file_lists.page(db, wanted, sort, after, 51)
    return (perf_counter() - begun) * 1000
