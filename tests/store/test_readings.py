"""What printers measured: kept in bulk, summed up rightly whatever comes, shown small, forgotten when old."""

from __future__ import annotations

import math
import random
import time
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.store import curves, forgetting, readings
from farm.store.connection import TELEMETRY, dial, for_writing
from farm.store.curves import Level
from farm.store.forgetting import Limits
from farm.store.opening import open_memory
from farm.store.readings import METRIC, TEMPERATURE, Measured, Reading

DAY = 86_400
ROOMY = 10**12
NOON = 1_750_000_000 // DAY * DAY + DAY / 2


def empty():
    connection = dial(None)
    open_memory(connection, TELEMETRY, random.Random(1))
    return connection


@pytest.fixture
def db():
    connection = empty()
    yield connection
    connection.close()


def wave(count, printer="p1", heater="nozzle", every_s=1.0, start=NOON):
    return [
        Reading(printer, heater, start + n * every_s, 200 + 10 * math.sin(n / 50), 200.0)
        for n in range(count)
    ]


def only_curve(db, start, end, step_s, name="nozzle"):
    found = curves.of_printer(db, "p1", start, end, step_s, {name})
    (curve,) = found.curves
    return found, curve.points


# -- sums --------------------------------------------------------------------------------------------

_moments = st.integers(0, 3 * 3600 * 4).map(lambda quarter: NOON + quarter / 4)
_read = st.builds(
    Reading,
    st.sampled_from(["p1", "p2"]),
    st.sampled_from(["nozzle", "bed"]),
    _moments,
    st.none() | st.integers(-20, 300).map(float),
    st.none() | st.just(60.0),
)


@given(st.lists(st.lists(_read, max_size=40), max_size=6))
def test_sums_are_those_of_all_that_was_kept_however_it_came(batches):
    """Late, twice, out of order, with the clock put back: the sums are those of the rows that are there."""
    db = empty()
    for batch in batches:
        readings.add(db, batch)

    first = {}
    for reading in (reading for batch in batches for reading in batch):
        first.setdefault((reading.printer, reading.heater, reading.at), reading)
    for table, width in (("temperature_minutes", 60), ("temperature_hours", 3600)):
        expected = defaultdict(list)
        for reading in sorted(first.values(), key=lambda each: each.at):
            if reading.actual is not None:
                expected[reading.printer, reading.heater, reading.at // width * width].append(reading)
        rows = db.execute(
            f"SELECT sums.*, printer, heaters.heater AS name FROM {table} AS sums"
            " JOIN heaters ON heaters.id = sums.heater"
        ).fetchall()
        assert {(row["printer"], row["name"], row["at"]) for row in rows} == set(expected)
        for row in rows:
            those = expected[row["printer"], row["name"], row["at"]]
            values = [each.actual for each in those]
            assert row["count"] == len(values)
            assert row["mean"] == pytest.approx(sum(values) / len(values))
            assert (row["min"], row["max"]) == (min(values), max(values))
            assert (row["last"], row["last_at"], row["target"]) == (
                values[-1],
                those[-1].at,
                those[-1].target,
            )
    db.close()


def test_a_metric_is_summed_up_too(db):
    readings.add(db, [], [Measured("p1", "progress", NOON + n, n / 100) for n in range(100)])
    _, points = only_curve(db, NOON, NOON + 120, 60, "progress")
    assert [(point.readings, point.min, point.max, point.target) for point in points] == [
        (60, 0.0, 0.59, None),
        (40, 0.6, 0.99, None),
    ]


def test_of_two_readings_at_one_moment_the_one_stays_that_came_first(db):
    readings.add(db, [Reading("p1", "nozzle", NOON, 20.0, 0.0), Reading("p1", "nozzle", NOON, 21.0, None)])
    readings.add(
        db, [Reading("p1", "nozzle", NOON, 30.0, 60.0), Reading("p1", "nozzle", NOON + 1, 22.0, 0.0)]
    )
    _, points = only_curve(db, NOON, NOON + 10, 1)
    assert [(point.last, point.readings) for point in points] == [(20.0, 1), (22.0, 1)]
    _, (minute,) = only_curve(db, NOON, NOON + 10, 60)
    assert (minute.readings, minute.mean) == (2, 21.0)


def test_a_savepoint_around_the_readings_of_many_printers_makes_them_no_dearer(tmp_path):
    db = for_writing(dial(tmp_path / "telemetry.db"), TELEMETRY)
    open_memory(db, TELEMETRY, random.Random(1))
    heaters = [f"p{number}" for number in range(3000)]
    db.execute("BEGIN")
    for at in range(30):  # as they come, so that each heater has pages of its own
        readings.add(db, [Reading(heater, "bed", at, 20.0, 0.0) for heater in heaters])
    db.execute("COMMIT")

    def took_s(at, begin, end):
        moments = [at, at + 0.3, at + 0.6]
        batch = [Reading(heater, "bed", moment, 20.0, 0.0) for heater in heaters for moment in moments]
        db.execute("BEGIN")
        db.execute(begin)
        before = time.thread_time()
        readings.add(db, batch)
        took = time.thread_time() - before
        db.execute(end)
        db.execute("COMMIT")
        return took

    alone = min(took_s(at, "SELECT 1", "SELECT 1") for at in (200, 201))
    inside = min(took_s(at, "SAVEPOINT op", "RELEASE op") for at in (202, 203))
    db.close()
    assert inside < 2.5 * alone


# -- curves ------------------------------------------------------------------------------------------


def test_a_short_span_is_given_as_it_is(db):
    readings.add(db, wave(50))
    readings.add(db, wave(50, printer="p2"))
    readings.add(db, wave(50, heater="bed"))
    found, points = only_curve(db, NOON + 10, NOON + 40, 1)
    assert (found.level, found.step_s) == (Level.RAW, 1)
    assert [(point.at, point.last, point.target) for point in points] == [
        each[2:] for each in wave(50)[10:40]
    ]
    assert curves.of_printer(db, "p1", NOON, NOON + 100, 1, {"chamber"}).curves == []
    both = curves.of_printer(db, "p1", NOON, NOON + 100, 1)
    assert [curve.name for curve in both.curves] == ["bed", "nozzle"]


@pytest.mark.parametrize("step_s", [5, 60, 90, 600, 3600, 5000, DAY])
def test_a_long_span_stays_small_and_keeps_every_peak(db, step_s):
    added = wave(5000)
    added[1234] = added[1234]._replace(actual=290.0)  # one sample of overshoot
    added[4321] = added[4321]._replace(actual=3.0)
    random.Random(step_s).shuffle(added)  # however they arrived
    for piece in range(0, 5000, 700):
        readings.add(db, added[piece : piece + 700])

    found, points = only_curve(db, NOON, NOON + 5000, step_s)

    assert step_s <= found.step_s < step_s + found.level.width_s + 1
    assert len(points) <= 5000 / found.step_s + 2
    assert [point.at for point in points] == sorted(point.at for point in points)
    assert (max(point.max for point in points), min(point.min for point in points)) == (290.0, 3.0)
    assert sum(point.readings for point in points) == 5000
    mean = sum(point.mean * point.readings for point in points) / 5000
    assert mean == pytest.approx(sum(each.actual for each in added) / 5000)


def test_a_silent_sensor_shows_as_a_gap(db):
    readings.add(
        db, [Reading("p1", "nozzle", NOON + n, None if 300 <= n < 720 else 60.0, None) for n in range(1000)]
    )
    for step_s in (20, 60):
        _, points = only_curve(db, NOON, NOON + 1000, step_s)
        assert {point.at - NOON for point in points} == {
            at for at in range(0, 1000, step_s) if not 300 <= at < 720
        }


def test_what_is_only_left_in_sums_is_shown_from_them(db):
    readings.add(db, wave(7200))
    db.execute("DELETE FROM temperature_readings WHERE at < ?", (NOON + 3600,))
    assert only_curve(db, NOON, NOON + 7200, 24)[0].level is Level.MINUTE
    assert only_curve(db, NOON + 3600, NOON + 7200, 24)[0].level is Level.RAW
    db.execute("DELETE FROM temperature_minutes WHERE at < ?", (NOON + 3600,))
    found, points = only_curve(db, NOON, NOON + 7200, 24)
    assert found.level is Level.HOUR
    assert [point.readings for point in points] == [3600, 3600]


def test_a_flood_is_shown_from_sums(db):
    flood = [Reading("p1", "nozzle", NOON + n / 100, 200.0, None) for n in range(curves.MOST_READINGS + 1)]
    readings.add(db, flood)
    assert only_curve(db, NOON, NOON + 600, 2)[0].level is Level.MINUTE


@pytest.mark.parametrize("hours", [0.5, 1, 6, 24, 24 * 7, 24 * 30, 24 * 400, 24 * 5000])
def test_a_chart_of_any_span_has_as_many_points_as_a_screen(hours):
    step_s = curves.step_for(hours * 3600)
    assert hours * 3600 / step_s <= curves.USUAL_POINTS
    assert step_s == 1 or hours * 3600 / step_s > curves.USUAL_POINTS / 4


def test_a_curve_of_any_span_is_cheap(db):
    """50 ms of processor time on the machine of PERFORMANCE; here five times that, for any machine."""
    _fill(db)
    for span_s in (3600, 6 * 3600, DAY, 14 * DAY, 60 * DAY, 400 * DAY):
        step_s = curves.step_for(span_s)
        began = time.process_time()
        found = curves.of_printer(db, "p1", NOON - span_s, NOON, step_s)
        assert time.process_time() - began < 0.25
        assert [len(curve.points) > 40 for curve in found.curves] == [True] * 4


def _fill(db):
    """Four heaters that tell their temperature four times a second, as long as each level is kept."""
    for heater in ("tool0", "tool1", "bed", "chamber"):
        readings.add(db, [Reading("p1", heater, NOON, 20.0, None)])
        number = readings.numbers(db, TEMPERATURE)["p1", heater]
        rows = ((number, NOON - n / 4, 200.0 + n % 7, 210.0) for n in range(1, 4 * 6 * 3600))
        db.executemany("INSERT INTO temperature_readings VALUES (?, ?, ?, ?)", rows)
        for table, width, count in (("minutes", 60, 20_160), ("hours", 3600, 9600)):
            sums = (
                (number, int(NOON // width - n) * width, 4 * width, 203.0, 200.0, 206.0, 201.0, 0.0, 210.0)
                for n in range(1, count)
            )
            db.executemany(f"INSERT INTO temperature_{table} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", sums)


# -- forgetting --------------------------------------------------------------------------------------


def limits(raw=DAY, minute=10 * DAY, hour=400 * DAY, size=ROOMY):
    return Limits({Level.RAW: raw, Level.MINUTE: minute, Level.HOUR: hour}, size)


def forget_all(db, kept, now, most=forgetting.MOST):
    found = []
    while not found or found[-1].rows:
        found.append(forgetting.forget(db, kept, now, most))
    return found


def test_old_readings_go_in_bites_whatever_their_order_of_arrival(db):
    readings.add(db, wave(600, every_s=300))
    readings.add(db, wave(600, printer="p2", every_s=300))
    readings.add(db, [Reading("p3", "bed", 9e9, 60, 60)])  # the clock was wrong for a moment
    readings.add(db, wave(600, printer="p0", every_s=300))

    gone = [each.rows for each in forget_all(db, limits(), NOON + 2 * DAY, most=250)]

    assert gone == [250, 250, 250, 114, 0]
    kept = db.execute("SELECT min(at), count(*) FROM temperature_readings").fetchone()
    assert tuple(kept) == (NOON + DAY, 3 * 312 + 1)


def test_each_level_has_its_own_age(db):
    readings.add(db, wave(40 * 24, every_s=3600), [Measured("p1", "fan", NOON, 1.0)])
    forget_all(db, limits(raw=DAY, minute=10 * DAY, hour=30 * DAY), NOON + 40 * DAY)
    counts = [db.execute(f"SELECT count(*) FROM {level.table(TEMPERATURE)}").fetchone()[0] for level in Level]
    assert counts == [24, 10 * 24, 30 * 24]
    assert all(
        db.execute(f"SELECT count(*) FROM {level.table(METRIC)}").fetchone()[0] == 0 for level in Level
    )


def test_where_there_is_no_room_the_finest_and_oldest_goes_first(db):
    readings.add(db, wave(DAY // 2, every_s=1.0, start=NOON - DAY / 2))
    kept = limits(size=forgetting.used(db) // 2)
    found = forget_all(db, kept, NOON)

    assert forgetting.used(db) <= kept.size
    cuts = [each.cut for each in found if each.cut is not None]
    assert cuts
    assert {level for level, _ in cuts} == {Level.RAW}
    assert [before for _, before in cuts] == sorted(before for _, before in cuts)
    left = db.execute("SELECT min(at), max(at) FROM temperature_readings").fetchone()
    assert left[0] >= cuts[-1][1]
    assert left[1] == NOON - 1
    assert db.execute("SELECT sum(count) FROM temperature_minutes").fetchone()[0] == DAY // 2


def test_with_next_to_no_room_the_newest_stays(db):
    readings.add(db, wave(4 * 3600, start=NOON - 4 * 3600))
    forget_all(db, limits(size=1), NOON)
    oldest = db.execute("SELECT min(at) FROM temperature_readings").fetchone()[0]
    assert NOON - 2 * forgetting.SLICE_S[Level.RAW] <= oldest <= NOON - 1


def test_a_clock_that_is_behind_takes_nothing_away(db):
    readings.add(db, wave(1000))
    assert forget_all(db, limits(size=1), 0.0) == [forgetting.Forgotten(0)]


def test_forgetting_in_an_empty_database_is_nothing(db):
    assert forget_all(db, limits(), NOON) == [forgetting.Forgotten(0)]
