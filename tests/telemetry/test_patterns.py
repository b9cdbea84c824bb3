"""Slopes, swings, steps, drifts and robust means, against plain computations and made-up curves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farm.telemetry import patterns, robust

X = np.arange(240.0)
WORTH = np.ones(1)


def noisy(curve, sigma=0.1, seed=0, missing=0.0):
    chance = np.random.default_rng(seed)
    samples = curve + chance.normal(0, sigma, len(curve))
    samples[chance.random(len(curve)) < missing] = np.nan
    return samples.astype(np.float32)[:, None]


@pytest.mark.parametrize("missing", [0.0, 0.5])
def test_the_slope_is_found_and_within_its_error(missing):
    off = []
    for seed in range(200):
        found = patterns.line(noisy(200 + 0.02 * X[:60], seed=seed, missing=missing))
        off.append((found.slope[0] - 0.02) / found.error[0])

    assert 0.9 < np.mean(np.abs(off) < 2.0) <= 1.0  # 19 of 20, were there infinitely many
    assert abs(np.mean(off)) < 0.3


def test_too_few_samples_have_no_slope():
    few = np.full((60, 2), np.nan, np.float32)
    few[:4, 0] = 1.0

    assert np.isnan(patterns.line(few).slope).all()
    assert np.isnan(patterns.step(few, np.ones(2))).all()
    assert np.isnan(patterns.period(few, np.ones(2))).all()
    assert np.isnan(patterns.drift(few, np.ones(2))).all()


@pytest.mark.parametrize("at", [10, 30, 50])
@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_a_step_is_told_from_a_slope(at, missing):
    jump = np.where(X[:60] < at, 60.0, 52.0)

    assert patterns.step(noisy(jump, missing=missing), WORTH)[0] == pytest.approx(-8.0, abs=0.3)
    assert np.isnan(patterns.step(noisy(60 + 0.1 * X[:60], missing=missing), WORTH)[0])
    assert np.isnan(patterns.step(noisy(np.full(60, 60.0), missing=missing), WORTH)[0])
    assert np.isnan(patterns.step(noisy(np.where(X[:60] < at, 60.0, 60.5), 0.01), WORTH)[0])  # worth no word


@pytest.mark.parametrize("ticks", [8, 20, 60])
@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_a_swing_is_found_with_its_period(ticks, missing):
    swing = 60 + 1.5 * np.sin(2 * np.pi * X / ticks)

    assert patterns.period(noisy(swing, 0.2, missing=missing), WORTH)[0] == pytest.approx(ticks, rel=0.2)


@pytest.mark.parametrize(
    "curve",
    [
        np.full(240, 60.0),
        60 + 0.05 * X,
        np.where(X < 120, 60.0, 200.0),
        np.minimum(20 + 2.0 * X, 210.0),  # heating up, and holding
        60 + 0.1 * np.sin(X),  # too little to speak of
    ],
)
def test_what_does_not_swing_has_no_period(curve):
    for seed in range(20):
        assert np.isnan(patterns.period(noisy(curve, 0.2, seed), WORTH)[0])


def test_a_drift_goes_on_in_both_halves():
    assert patterns.drift(noisy(60 - 0.02 * X), WORTH)[0] == pytest.approx(-0.02, rel=0.1)
    for curve in (np.full(240, 60.0), np.where(X < 120, 60.0, 70.0), np.minimum(20 + 2.0 * X, 210.0)):
        assert np.isnan(patterns.drift(noisy(curve), WORTH)[0])


def test_rows_taken_together_are_their_mean_as_far_as_they_are_there():
    samples = np.array([[9, 9], [1, np.nan], [3, np.nan], [5, np.nan], [np.nan, 8]], np.float32)

    found = patterns.thinned(samples, 2)

    assert found.tolist()[0] == [2.0, pytest.approx(np.nan, nan_ok=True)]
    assert found.tolist()[1] == [5.0, 8.0]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.just(np.nan), st.floats(-50, 700, width=32)), min_size=10, max_size=60))
def test_median_and_deviation_are_numpys(values):
    samples = np.array(values, np.float32)[:, None]
    there = samples[~np.isnan(samples)].astype(np.float64)
    before = samples.copy()
    robust.median_and_deviation(samples)
    assert np.array_equal(samples, before, equal_nan=True)  # nothing is sorted under our hands
    median, deviation = robust.median_and_deviation(np.hstack([samples, samples]))

    if len(there) < robust.LEAST:
        assert np.isnan(median).all()
        assert np.isnan(deviation).all()
        return
    middle = np.median(there)
    assert median == pytest.approx([middle, middle])
    wanted = robust.SCALE * np.median(np.abs(there - middle))
    assert deviation == pytest.approx([wanted, wanted], abs=1e-6)
