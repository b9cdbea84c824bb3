"""Running statistics of many channels at once, against NumPy over the same samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.telemetry.ring import SMOOTHING, WIDTH, Ring

WINDOW, BATCH, CHANNELS = 40, 5, 7


def reference(samples, first_tick):
    """count, mean, variance, slope and its error of one channel over the ticks where there is a sample."""
    there = ~np.isnan(samples)
    y = samples[there].astype(np.float64)
    x = (first_tick + np.arange(len(samples)))[there].astype(np.float64)
    if len(y) < 3:
        return len(y), y.mean() if len(y) else np.nan, np.nan, np.nan, np.nan
    slope, offset = np.polyfit(x - x.mean(), y, 1)
    rest = np.square(y - offset - slope * (x - x.mean())).sum()
    error = np.sqrt(rest / (len(y) - 2) / np.square(x - x.mean()).sum())
    return len(y), y.mean(), y.var(ddof=1), slope, error


def fed(rows, window=WINDOW):
    ring = Ring(window, BATCH)
    for channel in range(rows.shape[1]):
        ring.begin(channel, 210.0)
    for tick, row in enumerate(rows):
        for channel, value in enumerate(row):
            if not np.isnan(value):
                assert ring.add(channel, tick, float(value))
        if tick % BATCH == BATCH - 1:
            ring.reckon()
    return ring


def assert_right(ring, rows, atol=1e-6):
    summary = ring.summary()
    last = rows[max(0, ring.next - ring.window) : ring.next].astype(np.float32)
    for channel in range(rows.shape[1]):
        count, mean, variance, slope, error = reference(last[:, channel], ring.next - len(last))
        assert summary.count[channel] == count
        assert summary.mean[channel] == pytest.approx(mean, abs=atol, nan_ok=True)
        if count > 2:
            assert summary.variance[channel] == pytest.approx(variance, rel=1e-6, abs=atol)
            assert summary.slope[channel] == pytest.approx(slope, rel=1e-5, abs=atol)
            assert summary.error[channel] == pytest.approx(error, rel=1e-4, abs=atol)


@pytest.mark.parametrize("missing", [0.0, 0.3, 0.95])
@pytest.mark.parametrize("ticks", [5, 35, 40, 45, 400])
def test_running_statistics_are_those_of_the_window(missing, ticks):
    chance = np.random.default_rng(ticks)
    rows = 210.0 + chance.normal(0, 0.1, (ticks, CHANNELS)) + 0.01 * np.arange(ticks)[:, None]
    rows[chance.random(rows.shape) < missing] = np.nan

    assert_right(fed(rows), rows)


def test_no_digits_are_lost_in_days_of_a_steady_temperature():
    """After 200 windows, and a change from 20 to 300 degC: of sums of squares alone nothing would be left."""
    chance = np.random.default_rng(1)
    level = np.where(np.arange(8000) < 4000, 20.0, 300.0)
    rows = level[:, None] + chance.normal(0, 0.002, (8000, 2))

    ring = fed(rows)

    assert_right(ring, rows, atol=1e-9)
    assert ring.summary().variance[0] < 1e-5


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_samples_may_come_late_and_in_any_order_within_the_window(data):
    chance = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    rows = (20.0 + chance.normal(0, 5.0, (60, 2))).astype(np.float32)
    late = set(data.draw(st.lists(st.integers(20, 59), max_size=20)))
    ring = Ring(WINDOW, BATCH)
    ring.begin(0, 20.0)
    ring.begin(1, 20.0)
    for tick in range(60):
        for channel in range(2):
            if tick not in late:
                ring.add(channel, tick, float(rows[tick, channel]))
        if tick % BATCH == BATCH - 1:
            ring.reckon()
    for tick in sorted(late, key=lambda _: chance.random()):
        for channel in range(2):
            assert ring.add(channel, tick, float(rows[tick, channel]))
    ring.reckon()

    padded = np.vstack([rows, np.full((BATCH, 2), np.nan, np.float32)])
    assert_right(ring, padded, atol=1e-4)


def test_what_comes_too_late_or_twice_is_not_taken():
    ring = fed(np.full((100, 1), 5.0))

    assert not ring.add(0, 100 - WINDOW - 1, 7.0)
    assert not ring.add(0, 90, 7.0)
    assert ring.summary().mean[0] == 5.0
    assert ring.add(0, 101, 6.0)
    assert ring.add(0, 101, 8.0)  # not reckoned up yet: the newer one stays
    ring.reckon()
    assert ring.summary().newest[0] == 8.0


@pytest.mark.parametrize("batches", [1, 2, 3, 4, 5, 8, 9, 1000])
def test_a_gap_is_a_gap_however_long(batches):
    rows = np.full((40, 1), 5.0)
    ring = fed(rows)
    ring.skip(batches)
    ring.add(0, ring.next + 1, 9.0)
    ring.reckon()

    gap = np.full((batches * BATCH, 1), np.nan)
    assert_right(ring, np.vstack([rows, gap, [[np.nan], [9.0], [np.nan], [np.nan], [np.nan]]]))


def test_a_place_that_is_taken_over_knows_nothing_of_who_had_it():
    ring = fed(np.full((100, 1), 250.0))
    ring.begin(0, 20.0)
    ring.add(0, 101, 21.0)
    ring.reckon()
    summary = ring.summary()

    assert (summary.count[0], summary.mean[0], summary.newest[0]) == (1, 21.0, 21.0)
    assert np.isnan(summary.variance[0])


def test_z_is_the_distance_from_what_was_usual_before():
    chance = np.random.default_rng(3)
    rows = 60.0 + chance.normal(0, 0.5, (95, 1))
    rows[-1] = 70.0
    ring = fed(rows)

    mean, variance, seen = 0.0, 0.0, 0
    values = rows[:, 0].astype(np.float32).astype(np.float64)
    for value in values[:-1]:
        off = value - 210.0 - mean
        mean += SMOOTHING * off
        variance = (1 - SMOOTHING) * (variance + SMOOTHING * off * off)
        seen += 1
    usual = np.sqrt(variance / (1 - (1 - SMOOTHING) ** seen))
    assert ring.summary().z[0] == pytest.approx((values[-1] - 210.0 - mean) / usual, rel=1e-6)


def test_rows_are_the_last_ones_oldest_first():
    rows = np.arange(100.0)[:, None] + np.array([0.0, 1000.0])
    ring = fed(rows)

    assert ring.rows(3, slice(0, 2)).tolist() == [[97, 1097], [98, 1098], [99, 1099]]
    assert ring.rows(2, np.array([1])).tolist() == [[1098], [1099]]


def test_a_window_too_short_is_refused():
    with pytest.raises(ValueError, match="no two batches"):
        Ring(9, 5)
    assert Ring(10, 5).samples.shape == (10, WIDTH)
