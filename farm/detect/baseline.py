"""What is usual for a printer with a material, learned from its good prints alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ENOUGH = 2  # good prints before anything is held against what they showed
REMEMBERED = 6  # prints; older ones fade
FADES = 0.95  # of the worst that was seen, with each print that was better


@dataclass(frozen=True, slots=True)
class HeaterBaseline:
    """Of one heater, on a good day; None where no print has shown it yet.

    rise_s: from the lower to the upper of `Limits.rise`. below_degc, above_degc: how far it strayed from its
    target, once settled. strays_below_degc, strays_above_degc: the same of its mean of some seconds, where no
    power is told. swing_degc: from a low to a high. still_s: the longest that its value stood.
    duty_fan, duty_calm: power it needs to hold a degree above the room, with the fan on and without it, as a
    share of all. duty_spread: how far its power of some seconds is off that of the minutes before, a share.
    """

    rise_s: float | None = None
    below_degc: float = 0.0
    above_degc: float = 0.0
    swing_degc: float = 0.0
    still_s: float = 0.0
    duty_fan: float | None = None
    duty_calm: float | None = None
    duty_spread: float | None = None
    strays_below_degc: float = 0.0
    strays_above_degc: float = 0.0


@dataclass(frozen=True, slots=True)
class Baseline:
    """What `prints` good prints have shown. gap_s: the longest without any progress."""

    prints: int = 0
    heaters: Mapping[str, HeaterBaseline] = field(default_factory=dict)
    gap_s: float = 0.0

    @property
    def is_sound(self) -> bool:
        """Whether it rests on enough prints."""
        return self.prints >= ENOUGH

    def with_print(self, lesson: Baseline) -> Baseline:
        """What is usual after one more good print, which showed `lesson`."""
        names = {*self.heaters, *lesson.heaters}
        none = HeaterBaseline()
        weight = 1 / min(self.prints + 1, REMEMBERED)
        heaters = {
            name: _merged(self.heaters.get(name, none), lesson.heaters.get(name, none), weight)
            for name in sorted(names)
        }
        return Baseline(self.prints + 1, heaters, _worst(self.gap_s, lesson.gap_s))


NOTHING_LEARNED = Baseline()


def _merged(was: HeaterBaseline, seen: HeaterBaseline, weight: float) -> HeaterBaseline:
    return HeaterBaseline(
        rise_s=_mean(was.rise_s, seen.rise_s, weight),
        below_degc=_worst(was.below_degc, seen.below_degc),
        above_degc=_worst(was.above_degc, seen.above_degc),
        swing_degc=_worst(was.swing_degc, seen.swing_degc),
        still_s=_worst(was.still_s, seen.still_s),
        duty_fan=_mean(was.duty_fan, seen.duty_fan, weight),
        duty_calm=_mean(was.duty_calm, seen.duty_calm, weight),
        duty_spread=_mean(was.duty_spread, seen.duty_spread, weight),
        strays_below_degc=_worst(was.strays_below_degc, seen.strays_below_degc),
        strays_above_degc=_worst(was.strays_above_degc, seen.strays_above_degc),
    )


def _mean(was: float | None, seen: float | None, weight: float) -> float | None:
    if was is None or seen is None:
        return was if seen is None else seen
    return was + (seen - was) * weight


def _worst(was: float, seen: float) -> float:
    return max(seen, was * FADES)
