"""Sensors that cannot be right: values that no heater has, that jump, or that stand still."""

from __future__ import annotations

import math
from collections.abc import Callable

from farm.detect.channel import Channel, Phase
from farm.detect.values import anomaly
from farm.domain.anomaly import Anomaly, AnomalyKind, Severity

IMPOSSIBLE_PAUSE_S = 5.0
JUMPS_WARN, JUMPS_PAUSE = 2.0, 6.0  # that are not forgotten
JUMP_FORGOTTEN_S = 60.0
THROWN_DEGC, THROWN_TIMES = 5.0, 3.5  # from its target, within two looks: times as far as on any good day
CHANCE = 1e-8  # that a healthy value stands so long, by how often it repeats itself
CHANGES_NEEDED = 20
LEAST_FROZEN_S = 15.0
FROZEN_PAUSE = 3.0  # times as long
LEAST_FROZEN_PAUSE_S = 60.0
STILL_OVER_USUAL = 2.5
COUNT_AGAIN = 64  # changes, after which older ones count half


class Impossible:
    """A temperature that a sensor in one piece never shows."""

    __slots__ = ("_since",)

    def __init__(self) -> None:
        self._since: float | None = None

    def over(self) -> None:
        """It shows what can be."""
        self._since = None

    def see(self, channel: Channel, at: float, actual: float) -> Anomaly | None:
        """actual: as told, beyond its limits; not in the channel, so that nothing else counts with it."""
        limits = channel.limits
        if self._since is None:
            self._since = at
        lasted_s = at - self._since
        if lasted_s < channel.cadence.fresh_s:
            return None
        limit = limits.coldest if actual < limits.coldest else limits.hottest
        words = f"The sensor of {channel.called} shows {actual:.0f} °C: it is torn off, or short."
        return anomaly(
            AnomalyKind.SENSOR_IMPOSSIBLE,
            Severity.PAUSE if lasted_s >= IMPOSSIBLE_PAUSE_S else Severity.WARN,
            words,
            channel.name,
            lasted_s,
            limit,
            actual_degc=actual,
            target_degc=channel.target,
        )


class Jump:
    """A temperature that jumps further than heat can come: a loose contact, or a sensor that slips at once.

    While it holds its target, two looks may be all there is to be seen of it: the control takes it up.
    """

    __slots__ = ("_by", "_count", "_jumped_at", "_thrown")

    def __init__(self, channel: Channel) -> None:
        self._thrown = math.inf  # degC, where that is not known
        if (usual := channel.usual) is not None:
            furthest = max(usual.below_degc, usual.above_degc)
            self._thrown = min(max(THROWN_DEGC, THROWN_TIMES * furthest), channel.limits.jump_degc)
        self._count = self._by = 0.0
        self._jumped_at = float("-inf")

    def see(self, channel: Channel) -> Anomaly | None:
        """In whatever phase."""
        by = channel.actual - channel.before
        size = by if by >= 0.0 else -by
        limits = channel.limits
        if size >= limits.jump_degc and channel.gap <= channel.longest_step_s:
            rate = limits.up_s if by > 0.0 and channel.phase is Phase.HEATING else limits.jump_s
            if size >= limits.jump_degc + rate * max(channel.gap, channel.cadence.held_s):
                self._jumped(channel, by)
        if not -THROWN_DEGC < channel.err < THROWN_DEGC and channel.phase is Phase.HOLDING:
            self._look_twice(channel)
        if self._count == 0.0:
            return None
        self._count = max(0.0, self._count - channel.dt / JUMP_FORGOTTEN_S)
        return self._found(channel)

    def _look_twice(self, channel: Channel) -> None:
        """At how far it came since the look before the last, or since that."""
        by = max(channel.actual - channel.earlier, channel.actual - channel.before, key=abs)
        if channel.dt and min(abs(by), abs(channel.err)) >= self._thrown:
            self._jumped(channel, by)

    def _jumped(self, channel: Channel, by: float) -> None:
        """There and back, or on from there, is one jump; what comes then is another."""
        self._by = by
        if channel.at - self._jumped_at <= channel.longest_step_s:
            self._jumped_at = float("-inf")
        else:
            self._count += 1.0
            self._jumped_at = channel.at

    def _found(self, channel: Channel) -> Anomaly:
        severity = Severity.NOTE
        if self._count >= JUMPS_WARN - 0.5:
            severity = Severity.PAUSE if self._count >= JUMPS_PAUSE - 0.5 else Severity.WARN
        words = (
            f"The sensor of {channel.called} jumped by {self._by:+.0f} °C from one look to another"
            f"{', again and again' if severity is not Severity.NOTE else ''}: look for a loose contact."
        )
        return anomaly(
            AnomalyKind.SENSOR_JUMP,
            severity,
            words,
            channel.name,
            JUMP_FORGOTTEN_S,
            min(self._thrown, channel.limits.jump_degc),
            jump_degc=self._by,
            jumps=math.ceil(self._count),
            actual_degc=channel.actual,
        )


class Frozen:
    """A value that stands still for longer than its own noise allows, while other things move on.

    How often a healthy value repeats itself is counted from the values themselves: a coarse sensor may
    stand for a minute, a fine one for no two seconds.
    """

    __slots__ = ("_changes", "_limit_s", "_moved_at", "_stood_s", "longest_s")

    def __init__(self, channel: Channel) -> None:
        self.longest_s = 0.0  # that a healthy value stood
        self._changes = 0
        self._stood_s = 0.0  # between so many changes
        self._limit_s = math.inf
        self._moved_at: float | None = None

    def begin(self) -> None:
        """It has another target."""
        self._moved_at = None

    def holding(self, channel: Channel, others_moved: Callable[[float], bool]) -> Anomaly | None:
        """others_moved: whether anything else at the printer has moved since then."""
        if not channel.settled:
            return None
        if channel.gap > channel.longest_step_s or abs(channel.err) > channel.limits.below_pause:
            self._moved_at = None  # nobody knows what was meanwhile, or it is another's trouble
        if channel.changed:
            if self._moved_at is not None:
                self._count(channel, channel.at - self._moved_at)
            self._moved_at = channel.at
            return None
        if self._moved_at is None or channel.at - self._moved_at < self._limit_s:
            return None
        stood_s = channel.at - self._moved_at
        if not others_moved(self._moved_at):
            return None
        pause_s = max(LEAST_FROZEN_PAUSE_S, FROZEN_PAUSE * self._limit_s)
        words = (
            f"The sensor of {channel.called} has shown exactly {channel.actual:.2f} °C for {stood_s:.0f} s, "
            f"and never stood for more than {self.longest_s:.0f} s before: it may be dead."
        )
        return anomaly(
            AnomalyKind.SENSOR_FROZEN,
            Severity.PAUSE if stood_s >= pause_s else Severity.WARN,
            words,
            channel.name,
            stood_s,
            self._limit_s,
            actual_degc=channel.actual,
            target_degc=channel.target,
            seconds=stood_s,
        )

    def _count(self, channel: Channel, stood_s: float) -> None:
        self.longest_s = max(self.longest_s, stood_s)
        self._changes += 1
        self._stood_s += stood_s
        if self._changes < CHANGES_NEEDED:
            return
        fresh_s = channel.cadence.fresh_s
        repeats = min(max(1.0 - fresh_s * self._changes / self._stood_s, 0.03), 0.97)
        by_chance_s = fresh_s * math.log(CHANCE) / math.log(repeats)
        usual = channel.usual.still_s if channel.usual is not None else 0.0
        seen_s = STILL_OVER_USUAL * max(self.longest_s, usual)
        self._limit_s = max(LEAST_FROZEN_S, 2.0 * channel.cadence.held_s, by_chance_s, seen_s)
        if self._changes >= COUNT_AGAIN:
            self._changes //= 2
            self._stood_s /= 2
