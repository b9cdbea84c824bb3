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
from farm.domain.settings import Costs
from farm.domain.statistics import STATES, count
from farm.domain.user import SYSTEM
from farm.store import files, histories, jobs, prints, shop, statistics
from farm.store.audit import Stamp
from farm.store.connection import FARM, dial
from farm.store.histories import Lines
from farm.store.opening import open_memory
from farm.store.statistics import Wanted

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
YEAR = Wanted(date(2026, 1, 1), date(2026, 12, 31))
A_DAY = dict(zip(Occupation, (8.0, 1.0, 2.0, 10.0, 0.5, 2.5), strict=True))
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
    for printer in range(50):
        for day in range(365):
            statistics.spend(db, f"p{printer}", date(2026, 1, 1) + timedelta(days=day), A_DAY)
    while statistics.pack(db, date(2026, 12, 31)):
        pass
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


def in_rows(told):
    """What was found, as it lies in the rows; in no order."""
    return Counter(
        zip(
            (told.printers[place] for place in told.printer),
            (told.materials[place] for place in told.material),
            (STATES[place] for place in told.state),
            (told.causes[place] for place in told.cause),
            (f"{told.days[place]}" for place in told.day),
            (None if good < 0 else good for good in told.good.tolist()),
            told.printed_s.tolist(),
            (None if each != each else each for each in told.filament_g.tolist()),
            (None if each != each else each for each in told.waited_s.tolist()),
            strict=True,
        )
    )


def as_filled(rows):
    return Counter(
        (row[2], row[10], row[5], row[14], row[9], row[13], row[11], row[12], row[15]) for row in rows
    )


def unpacked(db):
    return [day for (day,) in db.execute("SELECT day FROM print_days WHERE prints IS NULL ORDER BY day")]


def test_everything_is_found_as_it_is_packed_or_not(filled):
    db, rows = filled
    assert unpacked(db) == ["2026-12-31"]
    assert in_rows(statistics.outcomes(db, YEAR)) == as_filled(rows)


def test_some_days_some_printers_and_one_material(filled):
    db, rows = filled
    wanted = Wanted(date(2026, 3, 1), date(2026, 3, 7), {"p1", "p2", "gone"}, "PLA")
    mine = [
        row
        for row in rows
        if row[2] in ("p1", "p2") and row[10] == "PLA" and "2026-03-01" <= row[9] <= "2026-03-07"
    ]
    assert in_rows(statistics.outcomes(db, wanted)) == as_filled(mine)
    assert len(mine) > 0
    assert len(statistics.outcomes(db, Wanted(YEAR.first, YEAR.last, set())).state) == 0
    assert len(statistics.outcomes(db, Wanted(YEAR.first, YEAR.last, None, "wood")).state) == 0
    assert len(statistics.outcomes(db, Wanted(date(2027, 1, 1), date(2027, 1, 2))).state) == 0
    time_spent = statistics.time_spent(db, wanted)
    assert time_spent.keys() == {"p1", "p2"}
    assert time_spent["p1"] == {occupation: 7 * seconds for occupation, seconds in A_DAY.items()}
    assert statistics.time_spent(db, Wanted(date(2027, 1, 1), date(2027, 1, 2))) == {}


def test_a_year_of_100_000_prints_is_counted_at_once(filled):
    """30 ms of processor time on the machine of the README; here several times that, for any machine."""
    db, _ = filled
    took = []
    for _ in range(3):
        began = time.thread_time()
        statistics.time_spent(db, YEAR)
        count(statistics.outcomes(db, YEAR), {}, Costs())
        took.append(time.thread_time() - began)
    assert min(took) < 0.2


def test_no_question_reads_every_print(filled):
    db, _ = filled
    asked = []
    db.set_trace_callback(asked.append)
    try:
        statistics.outcomes(db, Wanted(date(2026, 1, 1), date(2026, 12, 30)))
        statistics.time_spent(db, YEAR)
    finally:
        db.set_trace_callback(None)
    ways = [row["detail"] for sql in asked for row in db.execute(f"EXPLAIN QUERY PLAN {sql}")]
    assert ways
    assert not [way for way in ways if way.startswith(("SCAN prints", "SCAN printer_days"))]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE prints SET good = 7 WHERE id = 'r0'",
        "UPDATE prints SET cause = 'warped' WHERE id = 'r0'",
        "UPDATE prints SET waited_s = 12.0 WHERE id = 'r0'",
        "UPDATE prints SET filament_g = 99.0, printed_s = 1.0 WHERE id = 'r0'",
        "UPDATE prints SET state = 'failed', material = 'wood', printer = 'other' WHERE id = 'r0'",
        "UPDATE prints SET day = '2026-01-02' WHERE id = 'r0'",
        "UPDATE prints SET day = NULL WHERE id = 'r0'",
        "UPDATE prints SET day = '2026-03-01' WHERE id = 'r0'",
        "DELETE FROM prints WHERE id = 'r0'",
        f"INSERT INTO prints ({COLUMNS}) SELECT 'new', job, printer, 'new', {COLUMNS.split(', ', 4)[4]}"
        " FROM prints WHERE id = 'r0'",
    ],
)
def test_whatever_changes_a_print_what_is_counted_is_true(db, change):
    for number in range(4):
        begins = NEW_YEAR + timedelta(days=number % 2)
        a_print(db, f"r{number}", begins, begins + timedelta(minutes=30))
    while statistics.pack(db, date(2027, 1, 1)):
        pass
    assert unpacked(db) == []
    before = in_rows(statistics.outcomes(db, YEAR))

    db.execute(change)

    after = in_rows(statistics.outcomes(db, YEAR))
    assert after != before
    rows = db.execute(f"SELECT {COLUMNS} FROM prints WHERE day IS NOT NULL").fetchall()
    assert after == as_filled(map(tuple, rows))
    while statistics.pack(db, date(2027, 1, 1)):
        pass
    assert in_rows(statistics.outcomes(db, YEAR)) == after


def test_what_is_rolled_back_leaves_what_was_packed(db):
    a_print(db, "r0", NEW_YEAR, NEW_YEAR + timedelta(minutes=30))
    statistics.pack(db, date(2027, 1, 1))
    before = in_rows(statistics.outcomes(db, YEAR))
    db.execute("BEGIN")
    db.execute("UPDATE prints SET good = 7")
    assert unpacked(db) == ["2026-01-01"]
    db.execute("ROLLBACK")

    assert unpacked(db) == []
    assert in_rows(statistics.outcomes(db, YEAR)) == before


def test_the_day_that_is_not_over_is_not_packed(db):
    a_print(db, "r0", NEW_YEAR, NEW_YEAR + timedelta(minutes=30))
    assert statistics.pack(db, date(2026, 1, 1)) == 0
    assert statistics.pack(db, date(2026, 1, 2)) == 1
    assert statistics.pack(db, date(2026, 1, 2)) == 0


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
    found = statistics.time_spent(db, Wanted(date(2025, 12, 31), date(2026, 1, 1)))
    assert (found["mk4"][Occupation.PRINTING], found["mk4"][Occupation.IDLE]) == (600.0, 200.0)


def test_time_of_days_before_others_is_theirs_alone_whoever_put_the_clock_back(db):
    chance = random.Random(3)
    spent = defaultdict(lambda: dict.fromkeys(Occupation, 0.0))
    for _ in range(300):
        day, occupation = date(2026, 1, 1 + chance.randrange(20)), chance.choice(list(Occupation))
        printer, more_s = chance.choice(["mk4", "mini"]), float(chance.randrange(900))
        spent[printer, day][occupation] += more_s
        statistics.spend(db, printer, day, {occupation: more_s})
    for first in range(1, 21):
        for last in range(first, 21):
            wanted = Wanted(date(2026, 1, first), date(2026, 1, last))
            expected = defaultdict(lambda: dict.fromkeys(Occupation, 0.0))
            for (printer, day), seconds in spent.items():
                if wanted.first <= day <= wanted.last:
                    for occupation, more_s in seconds.items():
                        expected[printer][occupation] += more_s
            assert statistics.time_spent(db, wanted) == expected
