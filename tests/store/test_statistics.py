"""A long history is counted by the shop's days, rightly and at once."""

from __future__ import annotations

import random
import time
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest

from farm.domain.clock import iso
from farm.domain.constraints import Constraints
from farm.domain.file import FileKind, StoredFile
from farm.domain.job import FailureCause, Job, JobState, Print, PrintState
from farm.domain.occupation import Occupation
from farm.domain.user import SYSTEM
from farm.store import files, histories, jobs, prints, shop, statistics
from farm.store.audit import Stamp
from farm.store.connection import FARM, dial
from farm.store.histories import Lines
from farm.store.opening import open_memory
from farm.store.statistics import Wanted

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = Wanted(date(2026, 1, 1), date(2026, 12, 31))
COLUMNS = (
    "id, job, printer, attempt, remote_name, state, reserved_at, started_at, ended_at, day, material,"
    " printed_s, filament_g, good, cause, waited_s"
)


@pytest.fixture(scope="module")
def filled():
    """100,000 prints of a year on 50 printers, and the rows by themselves."""
    db = dial(None)
    open_memory(db, FARM, random.Random(1))
    files.add(db, StoredFile("f1", "a.gcode", FileKind.GCODE, 1, "00" * 32, "test", NEW_YEAR))
    jobs.add(db, Job("j1", "f1", "x", 1, JobState.DONE, "test", NEW_YEAR), "test")
    rows = list(_rows(random.Random(2)))
    db.executemany(f"INSERT INTO prints ({COLUMNS}) VALUES ({', '.join('?' * 16)})", rows)
    db.executemany(
        "INSERT INTO printer_days VALUES (?, ?, 8.0, 1.0, 2.0, 10.0, 0.5, 2.5)",
        (
            (f"p{printer}", f"{date(2026, 1, 1) + timedelta(days=day)}")
            for printer in range(50)
            for day in range(365)
        ),
    )
    yield db, rows
    db.close()


def _rows(chance):
    ends = [*[PrintState.FINISHED] * 18, PrintState.FAILED, PrintState.CANCELLED]
    for number in range(100_000):
        end = NEW_YEAR + timedelta(minutes=number * 365 * 24 * 60 / 100_000)
        state = chance.choice(ends)
        begun = chance.random() > 0.01
        yield (
            f"{number:024x}", "j1", f"p{chance.randrange(50)}", f"{number:06x}", "x" * 30, state,
            iso(end), iso(end) if begun else None, iso(end), f"{end.date()}",
            chance.choice(["PLA", "PETG", None]), chance.randrange(20_000) + 1.0 if begun else 0.0,
            chance.choice([None, 12.5]),
            chance.choice([0, 1, 1, 1, None]) if state is PrintState.FINISHED else None,
            chance.choice([None, FailureCause.WARPED]) if state is PrintState.FAILED else None,
            chance.choice([None, 600.0]),
        )  # fmt: skip


def test_everything_is_counted_as_it_is(filled):
    db, rows = filled
    expected = defaultdict(Counter)
    for row in rows:
        found = expected[row[2], row[10], row[5], row[14]]
        found.update(
            prints=1, spoiled=row[13] == 0, parts=row[13] or 0, printed_s=row[11], begun=row[11] > 0,
            filament_g=row[12] or 0, waited=row[15] is not None, waited_s=row[15] or 0,
        )  # fmt: skip
    told = statistics.tallies(db, YEAR)
    assert len(told) == len(expected)
    for tally in told:
        found = expected[tally.printer, tally.material, tally.state, tally.cause]
        for name, value in found.items():
            assert getattr(tally, name) == pytest.approx(value), name


def test_some_days_some_printers_and_one_material(filled):
    db, rows = filled
    wanted = Wanted(date(2026, 3, 1), date(2026, 3, 7), {"p1", "p2", "gone"}, "PLA")
    mine = [
        row
        for row in rows
        if row[2] in ("p1", "p2") and row[10] == "PLA" and "2026-03-01" <= row[9] <= "2026-03-07"
    ]
    assert sum(tally.prints for tally in statistics.tallies(db, wanted)) == len(mine) > 0
    days = statistics.days(db, wanted)
    assert sum(day.good + day.bad + day.other for day in days) == len(mine)
    assert {f"{day.day}" for day in days} == {row[9] for row in mine}
    assert sum(day.good for day in days) == sum(row[5] == "finished" and row[13] != 0 for row in mine)
    time_spent = statistics.time_spent(db, wanted)
    assert time_spent.keys() == {"p1", "p2"}
    assert time_spent["p1"][Occupation.PRINTING] == 7 * 8.0
    assert statistics.tallies(db, Wanted(date(2027, 1, 1), date(2027, 1, 2))) == []


def test_a_year_of_100_000_prints_is_counted_at_once(filled):
    """50 ms of processor time each on the machine of the README; here five times that, for any machine."""
    db, _ = filled
    for ask in (statistics.tallies, statistics.days, statistics.time_spent):
        took = []
        for _ in range(3):
            began = time.thread_time()
            ask(db, YEAR)
            took.append(time.thread_time() - began)
        assert min(took) < 0.25, ask


# -- what is noted at the end of a print ---------------------------------------------------------------


@pytest.fixture
def db():
    connection = dial(None)
    open_memory(connection, FARM, random.Random(1))
    files.add(connection, StoredFile("f1", "a.gcode", FileKind.GCODE, 1, "00" * 32, "test", NEW_YEAR))
    jobs.add(connection, Job("j1", "f1", "x", 1, JobState.ACTIVE, "test", NEW_YEAR, material="PETG"), "test")
    yield connection
    connection.close()


def a_print(db, id, begins, ends, state=PrintState.FINISHED):
    attempt = Print(id, "j1", "mk4", id, PrintState.RESERVED, begins, f"{id}.gcode")
    prints.reserve(db, attempt, "test")
    for step in (PrintState.UPLOADING, PrintState.STARTING, PrintState.PRINTING):
        attempt = prints.enter(db, attempt, step, begins, "test", "")
    half = begins + (ends - begins) / 2
    attempt = prints.enter(db, attempt, PrintState.PAUSED, half, "test", "")
    attempt = prints.enter(db, attempt, PrintState.PRINTING, half + (ends - half) / 2, "test", "")
    return prints.enter(db, attempt, state, ends, "test", "")


def outcome(db, id):
    row = db.execute("SELECT day, material, printed_s, waited_s FROM prints WHERE id = ?", (id,)).fetchone()
    return tuple(row)


def test_the_end_of_a_print_belongs_to_the_shops_day_also_where_the_clocks_change(db):
    shop.keep_constraints(db, Constraints(timezone="Europe/Berlin"), Stamp(NEW_YEAR, SYSTEM))
    hour = timedelta(hours=1)
    for number, (end, day) in enumerate(
        [
            (datetime(2026, 3, 28, 22, 59, tzinfo=UTC), "2026-03-28"),
            (datetime(2026, 3, 28, 23, 0, tzinfo=UTC), "2026-03-29"),
            (datetime(2026, 3, 29, 21, 59, tzinfo=UTC), "2026-03-29"),  # a day of 23 hours
            (datetime(2026, 3, 29, 22, 0, tzinfo=UTC), "2026-03-30"),
            (datetime(2026, 10, 25, 22, 59, tzinfo=UTC), "2026-10-25"),  # and one of 25
            (datetime(2026, 10, 25, 23, 0, tzinfo=UTC), "2026-10-26"),
        ]
    ):
        a_print(db, f"r{number}", end - hour, end)
        assert outcome(db, f"r{number}") == (day, "PETG", 2700.0, None)


def test_a_plate_waits_until_it_is_cleared_and_again_when_that_is_taken_back(db):
    a_print(db, "r1", NEW_YEAR, NEW_YEAR + timedelta(hours=1), PrintState.FAILED)
    prints.note_cleared(db, "mk4", NEW_YEAR + timedelta(hours=1, minutes=10))
    assert outcome(db, "r1")[3] == 600.0
    prints.note_cleared(db, "mk4", None)
    assert outcome(db, "r1")[3] is None
    prints.note_cleared(db, "nobody", NEW_YEAR)


def test_prints_that_are_over_come_by_their_end_piece_by_piece(db):
    for number in range(5):
        begins = NEW_YEAR + timedelta(hours=number)
        a_print(db, f"r{9 - number}", begins, begins + timedelta(minutes=30))
    after, found = ("", ""), []
    while piece := prints.over(db, date(2026, 1, 1), date(2026, 1, 1), {"mk4"}, after, 2):
        found += piece
        after = (piece[-1].ended_at, piece[-1].id)
    assert [each.id for each in found] == ["r9", "r8", "r7", "r6", "r5"]
    assert (found[0].name, found[0].file, found[0].state) == ("x", "a.gcode", "finished")
    assert prints.over(db, date(2026, 1, 1), date(2026, 1, 1), {"other"}, ("", ""), 2) == []
    assert prints.over(db, date(2026, 1, 2), date(2026, 1, 2), None, ("", ""), 2) == []


def test_time_adds_up_in_the_days_it_went_into(db):
    lines = Lines()
    slot = int(NEW_YEAR.timestamp())
    lines.seconds["mk4", slot - 900, Occupation.IDLE] = 100.0
    lines.seconds["mk4", slot, Occupation.PRINTING] = 300.0
    for _ in range(2):
        histories.keep(db, lines)
    found = statistics.time_spent(db, Wanted(date(2026, 1, 1), date(2026, 1, 1)))
    assert (found["mk4"][Occupation.PRINTING], found["mk4"][Occupation.IDLE]) == (600.0, 0.0)
