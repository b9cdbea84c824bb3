"""What a stretch of samples looks like: a slope, a swing, a step, a drift. Many channels at once; pure.

samples: always of shape (rows, channels), a row a tick, oldest first, NaN where there is none. What comes
back has the shape (channels,), with NaN where there is nothing to be said.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from farm.telemetry.ring import Floats, Samples

LEAST = 5  # samples for a line, or a step
LEAST_CYCLES = 3  # in the stretch that is looked at
SURE = 3.0  # standard errors
PERIODIC_SHARE = 0.5  # of all that moves, what belongs to one period
STEP_EXPLAINS = 0.25  # a step leaves at most so much of what a line leaves unexplained
ALIKE = 4.0  # a drift's two halves differ by less than this factor


class Line(NamedTuple):
    """The best straight line: its slope a tick, the slope's standard error, and what it leaves (squares)."""

    slope: Floats
    error: Floats
    rest: Floats


def line(samples: Samples) -> Line:
    """Least squares over what there is."""
    has = ~np.isnan(samples)
    y = samples - _first(samples, has)
    np.copyto(y, 0.0, where=~has)
    x = np.arange(len(samples), dtype=np.float64)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        n = np.where(has.sum(axis=0) >= LEAST, has.sum(axis=0), np.nan)
        mean_x, mean_y = (x * has).sum(axis=0) / n, y.sum(axis=0) / n
        off_x, off_y = (x - mean_x) * has, (y - mean_y) * has
        spread = (off_x * off_x).sum(axis=0)
        slope = (off_x * off_y).sum(axis=0) / spread
        rest = np.square((off_y - slope * off_x) * has).sum(axis=0)
        return Line(slope, np.sqrt(rest / (n - 2) / spread), rest)


def step(samples: Samples, worth: Floats) -> Floats:
    """By how much it jumped from one level to another, NaN where it did not.

    A jump explains the samples far better than a straight line does, and is at least `worth`.
    """
    has = ~np.isnan(samples)
    y = samples - _first(samples, has)
    np.copyto(y, 0.0, where=~has)
    n, total, squares = (np.cumsum(each, axis=0) for each in (has.astype(np.float64), y, y * y))
    with np.errstate(divide="ignore", invalid="ignore"):
        left = total / n
        right = (total[-1] - total) / (n[-1] - n)
        rest = squares[-1] - n * left * left - (n[-1] - n) * right * right
    few = (n < LEAST / 2) | (n[-1] - n < LEAST / 2)
    rest = np.where(few, np.inf, rest)
    best, each = np.argmin(rest, axis=0), np.arange(samples.shape[1])
    by = right[best, each] - left[best, each]
    is_one = (rest[best, each] <= STEP_EXPLAINS * line(samples).rest) & (np.abs(by) >= worth)
    return np.where(is_one, by, np.nan)


def period(samples: Samples, worth: Floats) -> Floats:
    """The ticks of one swing where it swings regularly, by more than `worth` from the lowest to the highest.

    What is missing is taken to be as before; where more than half is, nothing is said.
    """
    rows, has = len(samples), ~np.isnan(samples)
    filled = _carried_on(samples, has)
    x = np.linspace(-1.0, 1.0, rows)[:, None]
    y = filled - filled.mean(axis=0)
    y -= x * ((x * y).sum(axis=0) / (x * x).sum())
    window = np.hanning(rows)
    found = np.fft.rfft(y * window[:, None], axis=0)
    power = np.square(found.real) + np.square(found.imag)
    power[0] = 0.0
    peak = np.argmax(power, axis=0)
    each = np.arange(samples.shape[1])
    beside = sum(power[np.clip(peak + by, 0, len(power) - 1), each] for by in (-1, 0, 1))
    swing = 4.0 * np.sqrt(power[peak, each]) / window.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        share = beside / power.sum(axis=0)
        ticks = rows / peak
    is_one = (peak >= LEAST_CYCLES) & (share >= PERIODIC_SHARE) & (swing >= worth)
    return np.where(is_one & (has.sum(axis=0) * 2 >= rows), ticks, np.nan)


def drift(samples: Samples, worth: Floats) -> Floats:
    """The slope a tick of a slow change that goes on in both halves alike, NaN where there is none.

    It comes to at least `worth` over the whole stretch, of which nearly all has to be there.
    """
    middle = len(samples) // 2
    first, second, whole = line(samples[:middle]), line(samples[middle:]), line(samples)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = first.slope / second.slope
        goes_on = (ratio > 1.0 / ALIKE) & (ratio < ALIKE)
        sure = (np.abs(whole.slope) > SURE * whole.error) & (np.abs(whole.slope) * len(samples) >= worth)
    there = (~np.isnan(samples)).sum(axis=0) >= 0.8 * len(samples)
    return np.where(goes_on & sure & there, whole.slope, np.nan)


def thinned(samples: Samples, together: int) -> Samples:
    """So many rows each as one, their mean; NaN where all are missing. What is over is left out in front."""
    rows = len(samples) // together
    parts = samples[len(samples) - rows * together :].reshape(rows, together, -1)
    has = ~np.isnan(parts)
    counts = has.sum(axis=1)
    total = np.where(has, parts, 0.0).sum(axis=1, dtype=np.float64)
    means: Samples = np.divide(total, counts, out=np.full(counts.shape, np.nan), where=counts > 0).astype(
        np.float32
    )
    return means


def _first(samples: Samples, has: NDArray[np.bool_]) -> Floats:
    """The first sample of each channel, to reckon from; 0 for none."""
    first: Floats = samples[np.argmax(has, axis=0), np.arange(samples.shape[1])].astype(np.float64)
    return np.where(np.isnan(first), 0.0, first)


def _carried_on(samples: Samples, has: NDArray[np.bool_]) -> Floats:
    """Each gap filled with the sample before it, those at the beginning with the first."""
    rows, each = np.arange(len(samples))[:, None], np.arange(samples.shape[1])
    last = np.maximum.accumulate(np.where(has, rows, -1), axis=0)
    first = np.argmax(has, axis=0)
    filled: Floats = np.nan_to_num(samples[np.where(last < 0, first, last), each].astype(np.float64))
    return filled
