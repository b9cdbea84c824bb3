"""One heater as it shows itself over time: what it is doing, since when, and when its value last moved."""

from __future__ import annotations

from enum import IntEnum

from farm.detect.baseline import HeaterBaseline
from farm.detect.limits import Limits, limits_of
from farm.detect.values import Cadence, called

LONGEST_STEP_S = 2.0  # times how old a value may be: what happened in a longer gap nobody knows


class Phase(IntEnum):
    """What a heater has been told to do, and how far it is with it."""

    UNSEEN = 0
    OFF = 1
    HEATING = 2
    HOLDING = 3
    COOLING = 4  # to a lower target


class Channel:
    """One heater's newest values. Detectors read it; only `see` changes it.

    at: of the newest look. dt: since the one before, 0 across a gap of which nobody knows anything. err: so
    much it is below its target, degC. changed: whether the value differs from the one before. before,
    earlier: the last value, and the one before that.
    """

    __slots__ = (
        "actual",
        "at",
        "before",
        "cadence",
        "called",
        "changed",
        "changed_at",
        "dt",
        "earlier",
        "err",
        "gap",
        "limits",
        "longest_step_s",
        "name",
        "phase",
        "phase_at",
        "reached_at",
        "settled",
        "target",
        "usual",
    )

    def __init__(self, name: str, cadence: Cadence, usual: HeaterBaseline | None = None) -> None:
        """usual: what good prints have shown of it; None where they were too few."""
        self.name, self.called = name, called(name)
        self.limits: Limits = limits_of(name)
        self.cadence = cadence
        self.usual = usual
        self.longest_step_s = LONGEST_STEP_S * cadence.held_s + 1.0
        self.at = self.changed_at = self.phase_at = self.reached_at = float("-inf")
        self.dt = self.err = self.gap = 0.0
        self.actual = self.before = self.earlier = self.target = 0.0
        self.changed = self.settled = False
        self.phase = Phase.UNSEEN

    def see(self, at: float, actual: float, target: float) -> bool:
        """Take in a value. Whether it has another phase, or another target, than before."""
        if self.phase is Phase.UNSEEN:
            self.at = self.changed_at = at
            self.actual = self.before = actual
        self.gap = at - self.at
        self.dt = self.gap if self.gap <= self.longest_step_s else 0.0
        self.at, self.earlier, self.before, self.actual = at, self.before, self.actual, actual
        self.changed = actual != self.before
        if self.changed:
            self.changed_at = at
        self.err = target - actual
        if target != self.target or self.phase is Phase.UNSEEN:
            self.target = target
            self._enter(self._begun())
            return True
        if self.phase is Phase.HOLDING:
            if not self.settled:
                self.settled = at - self.reached_at >= self.limits.settle_s
            return False
        if self.phase is Phase.HEATING:
            if self.err <= self.limits.band:
                self._enter(Phase.HOLDING)
                return True
        elif self.phase is Phase.COOLING and self.err >= -self.limits.band:
            self._enter(Phase.HOLDING)
            return True
        return False

    def _begun(self) -> Phase:
        if self.target <= 0.0:
            return Phase.OFF
        if self.err > self.limits.band:
            return Phase.HEATING
        return Phase.COOLING if self.err < -self.limits.band else Phase.HOLDING

    def _enter(self, phase: Phase) -> None:
        self.phase, self.phase_at = phase, self.at
        if phase is Phase.HOLDING:
            self.reached_at = self.at
        self.settled = False
