"""Median and median absolute deviation of many channels: dear, so done once in a while. Pure."""

from __future__ import annotations

import numpy as np

from farm.telemetry.ring import Floats, Samples

SCALE = 1.4826  # makes the deviation that of a normal distribution (Rousseeuw & Croux 1993)
LEAST = 10  # samples


def median_and_deviation(samples: Samples) -> tuple[Floats, Floats]:
    """Of each channel: its median, and the scaled median absolute deviation from it.

    samples: shape (rows, channels); NaN where there is none. Returns two of shape (channels,), NaN where
    there are fewer than LEAST. One sort does for both: the deviations of sorted values are two sorted lists,
    one to each side of the median, whose common middle is found by bisection.
    """
    values = np.array(samples.T, order="C")  # a copy: it is sorted in place
    values.sort(axis=1)  # NaN goes to the end
    counts = np.count_nonzero(~np.isnan(values), axis=1)
    each = np.arange(len(values))
    low, high = np.maximum((counts - 1) // 2, 0), np.maximum(counts // 2, 0)
    high = np.minimum(high, values.shape[1] - 1)
    median = (values[each, low].astype(np.float64) + values[each, high]) / 2.0
    deviation = (_deviation(values, median, counts, low) + _deviation(values, median, counts, high)) / 2.0
    enough = counts >= LEAST
    return np.where(enough, median, np.nan), np.where(enough, SCALE * deviation, np.nan)


def _deviation(values: Samples, median: Floats, counts: np.ndarray, rank: np.ndarray) -> Floats:
    """The deviation from the median that is the `rank`-th smallest (from 0), of each row of sorted values.

    The rank + 1 nearest lie side by side, from `first` to `first + rank`: the first window of that length
    that reaches as far to the left as to the right, or the one before it.
    """
    each = np.arange(len(values))
    least, most = np.zeros(len(values), np.intp), np.maximum(counts - rank - 1, 0)
    for _ in range(int(values.shape[1]).bit_length()):
        middle = (least + most) // 2
        reaches_right = values[each, middle + rank] - median >= median - values[each, middle]
        most = np.where(reaches_right, middle, most)
        least = np.where(reaches_right, least, np.minimum(middle + 1, most))
    before = np.maximum(least - 1, 0)
    right = np.maximum(values[each, least + rank] - median, median - values[each, least])
    left = np.maximum(values[each, before + rank] - median, median - values[each, before])
    nearest: Floats = np.minimum(left, right).astype(np.float64)
    return nearest
