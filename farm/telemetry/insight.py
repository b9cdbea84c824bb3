"""What is looked at now and then, and only where somebody wants to know it: patterns, robust means."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from farm.domain.metrics import Statistics, Trend
from farm.telemetry import patterns, robust
from farm.telemetry.ring import WIDTH, Channels, Floats, Ring, Summary

LATELY = 30  # ticks of which the slope is: what turns is seen soon, what is asked every 5 s still has one
STEPS = 60  # ticks in which a step is looked for
SWINGS = 256  # ticks in which an oscillation is looked for
THINNED = 10  # ticks taken together where the whole window is looked at for a drift
PATTERNS_EVERY = 30  # ticks; steps and swings show for longer
ROBUST_EVERY = 100  # ticks; it looks back on a window ten times as long
NEVER = np.iinfo(np.intp).min // 2
AT_ONCE = 64  # channels; they take some milliseconds
OFF_95 = 1.96  # standard errors, 19 times of 20


class Insight:
    """What was found in one ring, at different times. `study` looks anew, `statistics` tells."""

    def __init__(self, ring: Ring, tick_s: float) -> None:
        self._ring = ring
        self._tick_s = tick_s
        self._worth: Floats = np.ones(WIDTH)
        self._found: Floats = np.full((7, WIDTH), np.nan)
        self._slope, self._error, self._step, self._period = self._found[:4]
        self._drift, self._median, self._deviation = self._found[4:]
        self._patterns_at: Channels = np.full(WIDTH, NEVER)  # ticks in which they were looked for last
        self._robust_at: Channels = np.full(WIDTH, NEVER)
        self._summary: Summary | None = None

    def begin(self, channel: int, worth: float) -> None:
        """A new channel. worth: the least change of it that is worth a word."""
        self._worth[channel] = worth
        self._found[:, channel] = np.nan
        if self._summary is not None:  # of whoever had its place
            self._summary.count[channel] = 0.0
        self._patterns_at[channel] = self._robust_at[channel] = NEVER

    def study(self, channels: Channels) -> Iterator[None]:
        """Look at these channels anew, some at a time; others may have their turn in between."""
        self._summary = self._ring.summary()
        for begin in range(0, len(channels), AT_ONCE):
            some = channels[begin : begin + AT_ONCE]
            self._look_for_a_slope(some)
            yield
            for look, looked_at, every in (
                (self._look_for_patterns, self._patterns_at, PATTERNS_EVERY),
                (self._look_robustly, self._robust_at, ROBUST_EVERY),
            ):
                old = some[looked_at[some] <= self._ring.next - every]
                if len(old):
                    look(old)
                    looked_at[old] = self._ring.next
                    yield

    def _look_for_a_slope(self, channels: Channels) -> None:
        found = patterns.line(self._ring.rows(min(LATELY, self._ring.window), channels))
        self._slope[channels], self._error[channels] = found.slope, found.error

    def _look_for_patterns(self, channels: Channels) -> None:
        ring, worth = self._ring, self._worth[channels]
        self._step[channels] = patterns.step(ring.rows(min(STEPS, ring.window), channels), worth)
        self._period[channels] = patterns.period(ring.rows(min(SWINGS, ring.window), channels), worth)

    def _look_robustly(self, channels: Channels) -> None:
        ring = self._ring
        samples = ring.rows(ring.window, channels)
        self._median[channels], self._deviation[channels] = robust.median_and_deviation(samples)
        drift = patterns.drift(patterns.thinned(samples, THINNED), self._worth[channels])
        self._drift[channels] = drift / THINNED

    def statistics(self, channel: int) -> Statistics | None:
        """What is known of a channel that was studied; None where the window holds nothing of it."""
        summary = self._summary
        if summary is None or not summary.count[channel] > 0:
            return None
        per_min, per_h = 60.0 / self._tick_s, 3600.0 / self._tick_s
        deviation = self._deviation[channel]
        off = summary.newest[channel] - self._median[channel]
        return Statistics(
            mean=float(summary.mean[channel]),
            variance=_known(summary.variance[channel]),
            slope_per_min=_known(self._slope[channel] * per_min),
            slope_error_per_min=_known(self._error[channel] * OFF_95 * per_min),
            trend=self._trend(channel),
            z=_known(summary.z[channel]),
            robust_z=_known(off / deviation) if deviation > 0 else None,
            period_s=_known(self._period[channel] * self._tick_s),
            drift_per_h=_known(self._drift[channel] * per_h),
            step=_known(self._step[channel]),
        )

    def _trend(self, channel: int) -> Trend | None:
        slope, error = self._slope[channel], self._error[channel]
        if not np.isnan(self._period[channel]):
            return Trend.OSCILLATING
        if np.isnan(slope):
            return None
        a_minute = abs(slope) * 60.0 / self._tick_s
        sure = a_minute >= self._worth[channel] and abs(slope) > patterns.SURE * error
        if not sure:
            return Trend.STABLE
        return Trend.RISING if slope > 0 else Trend.FALLING


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
