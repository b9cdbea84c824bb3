"""Temperatures over time: kept in bulk, shown small, forgotten when old."""

from __future__ import annotations

import math
import random
import time

import pytest

from farm.store import readings
from farm.store.connection import TELEMETRY, dial, for_writing
from farm.store.opening import open_memory
from farm.store.readings import Point, Reading

DAY = 86_400


@pytest.fixture
def db():
    connection = dial(None)
    open_memory(connection, TELEMETRY, random.Random(1))
    yield connection
    connection.close()


def wave(count, printer="p1", heater="nozzle", every_s=1.0):
    return [Reading(printer, heater, n * every_s, 200 + 10 * math.sin(n / 50), 200.0) for n in range(count)]


def test_a_short_span_is_given_as_it_is(db):
    readings.add(db, wave(50))
    readings.add(db, wave(50, printer="p2"))
    readings.add(db, wave(50, heater="bed"))
    expected = [Point(*reading[2:]) for reading in wave(50)[10:40]]
    assert readings.between(db, "p1", "nozzle", 10, 40, 30) == expected
    assert readings.between(db, "p1", "nozzle", 10, 40, 1000) == expected
    assert readings.between(db, "p1", "chamber", 0, 100, 10) == []


@pytest.mark.parametrize("points", [2, 3, 10, 200, 999])
def test_a_long_span_stays_small_and_keeps_every_peak(db, points):
    added = wave(5000)
    added[1234] = added[1234]._replace(actual=290.0)  # one sample of overshoot
    added[4321] = added[4321]._replace(actual=3.0)
    random.Random(points).shuffle(added)  # however they arrived
    readings.add(db, added)

    shown = readings.between(db, "p1", "nozzle", 0, 5000, points)

    assert 2 <= len(shown) <= points
    assert [point.at for point in shown] == sorted(point.at for point in shown)
    assert Point(1234.0, 290.0, 200.0) in shown
    assert Point(4321.0, 3.0, 200.0) in shown
    assert {(r.at, r.actual, r.target) for r in added} >= set(shown)  # real readings, nothing averaged


def test_of_two_readings_at_one_moment_the_later_one_stays(db):
    readings.add(db, [Reading("p1", "bed", 1.0, 20.0, 0.0), Reading("p1", "bed", 1.0, 21.0, None)])
    assert readings.between(db, "p1", "bed", 0, 9, 10) == [Point(1.0, 21.0, None)]
    readings.add(db, [Reading("p1", "bed", 1.0, None, 60.0)])
    assert readings.between(db, "p1", "bed", 0, 9, 10) == [Point(1.0, None, 60.0)]


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


def test_a_silent_sensor_shows_as_a_gap(db):
    readings.add(db, [Reading("p1", "bed", n, None if 300 <= n < 700 else 60.0, None) for n in range(1000)])
    shown = readings.between(db, "p1", "bed", 0, 1000, 20)
    assert any(point.actual is None and 300 <= point.at < 700 for point in shown)
    assert all((point.actual is None) == (300 <= point.at < 700) for point in shown)


def test_old_readings_go_in_portions_whatever_their_order_of_arrival(db):
    readings.add(db, wave(600, every_s=300))
    readings.add(db, wave(600, printer="p2", every_s=300))
    readings.add(db, [Reading("p3", "bed", 9e9, 60, 60)])  # the clock was wrong for a moment
    readings.add(db, wave(600, printer="p0", every_s=300))

    gone = []
    while not gone or gone[-1]:
        gone.append(readings.prune(db, before=DAY, most=250))

    assert gone == [250, 250, 250, 114, 0]
    assert db.execute("SELECT min(at), count(*) FROM temperature_readings").fetchone()[:] == (
        DAY,
        3 * 312 + 1,
    )


def test_pruning_an_empty_table_is_nothing(db):
    assert readings.prune(db, before=DAY) == 0
