"""Heaters that do not do what they were told: each detector a small state machine of one heater's channel.

Each `see` takes in the channel's newest value in the same few steps, whatever came before, and answers what
is wrong with it now, or None.
"""

from __future__ import annotations

from collections import deque

from farm.detect.channel import Channel, Phase
from farm.detect.values import anomaly
from farm.domain.anomaly import Anomaly, AnomalyKind, Severity

PAUSE_AFTER = 2.5  # times what it may take to get warmer
SETTLING = 2.0  # times as far it may stray while it settles
CONFIRM_S = 1.0  # so long a value has to stay beyond a limit: a single one may be a disturbance
LEAP_DEGC = 30.0  # between two looks; full power for 5 s, which is how seldom a PrusaLink is asked, makes 25
SLOWER_BY = 1.3  # times its usual time
STRAYS_S = 15.0
STRAYS_BELOW, STRAYS_ABOVE, STRAYS_LEAST_DEGC = 1.9, 2.1, 1.2  # times as far as on any good day, and at least
TURNS = 6
SWING_OVER_USUAL = 1.5


class Gain:
    """A heater on its way up has to get warmer; one that is off, or on its way down, must not."""

    __slots__ = ("_from", "_lowest", "_since")

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """It has another target."""
        self._from = self._since = float("-inf")
        self._lowest = float("inf")

    def heating(self, channel: Channel) -> Anomaly | None:
        """On its way up."""
        limits, actual = channel.limits, channel.actual
        if self._since == float("-inf"):
            self._from, self._since = actual, channel.at
            return None
        self._since += channel.gap - channel.dt  # what happened in a gap nobody knows
        left = channel.target - self._from
        needed = min(limits.gain_degc, limits.gain_share * left)
        if actual >= self._from + needed:
            self._from, self._since = actual, channel.at
            return None
        within_s = limits.gain_s if left > limits.near_degc else limits.near_s
        within_s += 1.5 * channel.cadence.held_s
        stood_s = channel.at - self._since
        if stood_s < within_s:
            return None
        severity = Severity.PAUSE if stood_s >= PAUSE_AFTER * within_s else Severity.WARN
        words = (
            f"{channel.called} does not get warmer: {actual - self._from:+.1f} °C in {stood_s:.0f} s, at "
            f"{actual:.1f} °C on its way to {channel.target:.0f} °C. Look at its heater and its sensor."
        )
        return anomaly(
            AnomalyKind.NOT_HEATING,
            severity,
            _sentence(words),
            channel.name,
            stood_s,
            needed,
            actual_degc=actual,
            target_degc=channel.target,
            gained_degc=actual - self._from,
        )

    def cooling(self, channel: Channel) -> Anomaly | None:
        """Off, or on its way down: what climbs then is not switched off."""
        actual = channel.actual
        if actual < self._lowest:
            self._lowest = actual
            return None
        climbed, limit = actual - self._lowest, channel.limits.climb_degc
        if climbed < limit or actual < 50.0:  # a hot bed warms a cold nozzle
            return None
        if not 0.0 < actual - channel.before <= LEAP_DEGC:
            return None  # it does not climb, or was heated when nobody looked: a print may be that short
        severity = Severity.PAUSE if climbed >= 1.5 * limit else Severity.WARN
        told = "is switched off" if channel.phase is Phase.OFF else f"shall cool to {channel.target:.0f} °C"
        words = (
            f"{channel.called} {told} and got {climbed:.1f} °C warmer, to {actual:.1f} °C. If it goes on, "
            "switch the printer off at the mains."
        )
        return anomaly(
            AnomalyKind.RUNAWAY,
            severity,
            _sentence(words),
            channel.name,
            channel.at - channel.phase_at,
            limit,
            actual_degc=actual,
            target_degc=channel.target,
            climbed_degc=climbed,
        )


class Rise:
    """How long a heater takes from one temperature to another, against what is usual for it."""

    __slots__ = ("_low_at", "rise_s", "slow")

    def __init__(self) -> None:
        self._low_at: float | None = None
        self.rise_s: float | None = None  # the last one
        self.slow: Anomaly | None = None  # stays until the next time it heats up

    def begin(self) -> None:
        """It has another target."""
        self._low_at = None

    def heating(self, channel: Channel) -> Anomaly | None:
        """On its way up."""
        low, high = channel.limits.rise
        actual, before = channel.actual, channel.before
        if channel.target < high + 5.0:
            return None
        if before < low <= actual and channel.dt:
            self._low_at = channel.at - channel.dt * (actual - low) / (actual - before)
            self.slow = None
        if self._low_at is None or channel.dt == 0.0 or before >= high:
            return self.slow
        took_s = channel.at - self._low_at
        if actual >= high:
            took_s -= channel.dt * (actual - high) / (actual - before)
            self.rise_s = took_s
        usual = channel.usual.rise_s if channel.usual is not None else None
        if usual is not None and took_s > (limit := SLOWER_BY * usual + 0.5 * channel.cadence.held_s):
            came = min(actual, high)
            words = (
                f"{channel.called} heats slowly: from {low:.0f} to {came:.0f} °C in {took_s:.0f} s, where "
                f"{usual:.0f} s to {high:.0f} °C are usual. Its heater may be loose, or its power low."
            )
            self.slow = anomaly(
                AnomalyKind.HEATS_SLOWLY,
                Severity.WARN,
                _sentence(words),
                channel.name,
                took_s,
                limit,
                seconds=took_s,
                usual_seconds=usual,
                actual_degc=actual,
            )
        if actual >= high:
            self._low_at = None
        return self.slow


class Drop:
    """A heater that was at its target and is too cold: at once by much, or by less for longer."""

    __slots__ = ("_allow", "_below_at", "_pause", "_sum", "_warn", "worst")

    def __init__(self, channel: Channel) -> None:
        limits, usual = channel.limits, channel.usual.below_degc if channel.usual is not None else 0.0
        self._warn = min(max(limits.below_warn, usual + limits.loosened), limits.below_most)
        looser = self._warn - limits.below_warn
        self._allow = limits.below_allow + looser
        self._pause = limits.below_pause + looser
        self.worst = 0.0  # that was not yet too cold, once settled
        self.begin()

    def begin(self) -> None:
        """It has another target, or has just reached it."""
        self._sum = 0.0
        self._below_at: float | None = None

    def holding(self, channel: Channel) -> Anomaly | None:
        """At its target, or meant to be."""
        err, looser = channel.err, 1.0
        if channel.dt == 0.0:
            self._below_at = None
        if not channel.settled:
            looser = SETTLING
        elif err > self.worst:
            self.worst = err
        beyond = err - self._allow * looser
        self._sum = max(0.0, self._sum + (beyond if beyond > 0.0 else beyond * 2.0) * channel.dt)
        if err < self._warn * looser:
            self._below_at = None
            if self._sum < channel.limits.sum_warn:
                return None
        elif self._below_at is None:
            self._below_at = channel.at
        stays = self._below_at is not None and channel.at - self._below_at >= _confirmed_s(channel)
        if not stays and self._sum < channel.limits.sum_warn:
            return None
        return self._too_cold(channel, looser)

    def _too_cold(self, channel: Channel, looser: float) -> Anomaly:
        pause = channel.err >= self._pause * looser and self._sum >= channel.limits.sum_pause
        since = self._below_at if self._below_at is not None else channel.at
        words = (
            f"{channel.called} is {channel.err:.1f} °C too cold: {channel.actual:.1f} °C, and it was told "
            f"{channel.target:.0f} °C. Look at its heater, its sensor and their cables."
        )
        return anomaly(
            AnomalyKind.DROP,
            Severity.PAUSE if pause else Severity.WARN,
            _sentence(words),
            channel.name,
            channel.at - since,
            channel.target - self._warn * looser,
            actual_degc=channel.actual,
            target_degc=channel.target,
            below_degc=channel.err,
        )


class Above:
    """A heater that is hotter than it was told to be."""

    __slots__ = ("_above_at", "_pause", "_warn", "worst")

    def __init__(self, channel: Channel) -> None:
        limits, usual = channel.limits, channel.usual.above_degc if channel.usual is not None else 0.0
        self._warn = min(max(limits.above_warn, usual + limits.loosened), 2.0 * limits.above_warn)
        self._pause = limits.above_pause + self._warn - limits.above_warn
        self.worst = 0.0
        self.begin()

    def begin(self) -> None:
        """It has another target, or has just reached it."""
        self._above_at: float | None = None

    def holding(self, channel: Channel) -> Anomaly | None:
        """At its target, or meant to be."""
        above, looser = -channel.err, 1.0
        if channel.dt == 0.0:
            self._above_at = None
        if not channel.settled:
            looser = 2.0  # it overshoots
        elif above > self.worst:
            self.worst = above
        limit = self._warn * looser
        if above < limit:
            self._above_at = None
            return None
        if self._above_at is None:
            self._above_at = channel.at
        if channel.at - self._above_at < _confirmed_s(channel):
            return None
        words = (
            f"{channel.called} is {above:.1f} °C too hot: {channel.actual:.1f} °C, and it was told "
            f"{channel.target:.0f} °C. If it goes on, switch the printer off at the mains."
        )
        return anomaly(
            AnomalyKind.RUNAWAY,
            Severity.PAUSE if above >= self._pause * looser else Severity.WARN,
            _sentence(words),
            channel.name,
            channel.at - self._above_at,
            channel.target + limit,
            actual_degc=channel.actual,
            target_degc=channel.target,
            above_degc=above,
        )


class Stray:
    """A nozzle that strays further from its target, for a while, than it did on any good day.

    A control loop takes up what happens to it (a sensor that slips, a heater that gets weak) some seconds
    late, and where no power is told that is all there is to be seen of it.
    """

    __slots__ = ("_far_at", "_mean", "above", "below")

    def __init__(self) -> None:
        self._mean = 0.0
        self._far_at: float | None = None
        self.above = self.below = 0.0  # the furthest so far

    def holding(self, channel: Channel) -> Anomaly | None:
        """At its target, or meant to be."""
        if not channel.settled:
            self._mean, self._far_at = 0.0, None
            return None
        off = self._mean = self._mean + (channel.err - self._mean) * min(channel.dt / STRAYS_S, 1.0)
        usual = channel.usual
        if off >= 0.0:
            if off > self.below:
                self.below = off
            times, furthest = STRAYS_BELOW, usual.strays_below_degc if usual is not None else 0.0
        else:
            off = -off
            if off > self.above:
                self.above = off
            times, furthest = STRAYS_ABOVE, usual.strays_above_degc if usual is not None else 0.0
        if not furthest or off < STRAYS_LEAST_DEGC or off < times * furthest:
            self._far_at = None
            return None
        if self._far_at is None:
            self._far_at = channel.at
        if channel.at - self._far_at < _confirmed_s(channel):
            return None
        return _strayed(channel, self._mean, max(STRAYS_LEAST_DEGC, times * furthest))


def _strayed(channel: Channel, below: float, limit: float) -> Anomaly:
    side = "below" if below > 0.0 else "above"
    words = (
        f"{channel.called} has been {abs(below):.1f} °C {side} its target of {channel.target:.0f} °C for "
        f"{STRAYS_S:.0f} s, further than on any good day: its sensor may have slipped, its heater be loose."
    )
    return anomaly(
        AnomalyKind.DROP if below > 0.0 else AnomalyKind.RUNAWAY,
        Severity.WARN,
        _sentence(words),
        channel.name,
        STRAYS_S,
        limit,
        actual_degc=channel.actual,
        target_degc=channel.target,
        off_degc=-below,
    )


class Oscillation:
    """A temperature that goes up and down by too much, again and again."""

    __slots__ = ("_high", "_low", "_rising", "_swing", "_turns", "worst")

    def __init__(self, channel: Channel) -> None:
        usual = channel.usual.swing_degc if channel.usual is not None else 0.0
        self._swing = max(channel.limits.swing_degc, SWING_OVER_USUAL * usual)
        self._turns: deque[float] = deque(maxlen=TURNS)
        self.worst = 0.0
        self.begin()

    def begin(self) -> None:
        """It has another target."""
        self._turns.clear()
        self._high, self._low = float("-inf"), float("inf")
        self._rising = True

    def holding(self, channel: Channel) -> Anomaly | None:
        """At its target, or meant to be."""
        actual = channel.actual
        if self._rising:
            if actual > self._high:
                self._high = actual
            elif self._high - actual >= self._swing:
                self._turn(channel, self._high - self._low)
                self._low = actual
        elif actual < self._low:
            self._low = actual
        elif actual - self._low >= self._swing:
            self._turn(channel, self._high - self._low)
            self._high = actual
        turns = self._turns
        if len(turns) < TURNS or channel.at - turns[0] > channel.limits.swing_s:
            return None
        period_s = (turns[-1] - turns[0]) * 2 / (TURNS - 1)
        words = (
            f"{channel.called} swings by {self._high - self._low:.1f} °C around {channel.target:.0f} °C, "
            f"once in {period_s:.0f} s. Tune its control again (PID), and see that its sensor sits tight."
        )
        return anomaly(
            AnomalyKind.OSCILLATION,
            Severity.WARN,
            _sentence(words),
            channel.name,
            channel.at - turns[0],
            self._swing,
            swing_degc=self._high - self._low,
            period_s=period_s,
            target_degc=channel.target,
        )

    def _turn(self, channel: Channel, swing: float) -> None:
        self._rising = not self._rising
        self._turns.append(channel.at)
        if channel.settled and swing < 1e6:
            self.worst = max(self.worst, swing)


def _confirmed_s(channel: Channel) -> float:
    return max(CONFIRM_S, channel.cadence.fresh_s)


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:]
