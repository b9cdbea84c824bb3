"""How far each sort of heater may stray. Found on simulated heaters, see `scripts/benches/anomalies.py`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one sort of heater; degrees Celsius and seconds.

    band: so near to its target it has reached it. settle_s: after that it may still swing.
    gain_degc, gain_s: so much warmer it has to become within that time, on its way up. near_degc from its
    target, where its control takes the power back, it needs only `gain_share` of what is left, in near_s.
    rise: the two temperatures between which its speed is measured.
    below_warn, below_most: so much below its target it is too cold at once; `loosened` more than what was
    learned, up to below_most. below_allow: what does not count at all; beyond it, degrees times seconds add
    up to sum_warn, sum_pause. below_pause: it is not paused for less.
    above_warn, above_pause: above its target; twice as much while it settles, for heaters overshoot.
    climb_degc: so much warmer than before although it is off, or was told to be cooler.
    swing_degc, swing_s: six turns by so much within that time are an oscillation.
    jump_degc, jump_s: beyond so much, and so much a second, no heater comes between two looks; up_s: the
    same on its way up.
    coldest, hottest: what a sensor in one piece shows.
    """

    band: float
    settle_s: float
    gain_degc: float
    gain_s: float
    gain_share: float
    near_degc: float
    near_s: float
    rise: tuple[float, float]
    below_warn: float
    below_most: float
    loosened: float
    below_allow: float
    below_pause: float
    sum_warn: float
    sum_pause: float
    above_warn: float
    above_pause: float
    climb_degc: float
    swing_degc: float
    swing_s: float
    jump_degc: float
    jump_s: float
    up_s: float
    coldest: float
    hottest: float


TOOL = Limits(
    band=2.5,
    settle_s=45.0,
    gain_degc=2.0,
    gain_s=8.0,  # Marlin gives it 20 s for the same; the heat needs 2 to 4 s to the sensor
    gain_share=0.15,
    near_degc=12.0,
    near_s=40.0,
    rise=(80.0, 150.0),
    below_warn=6.0,  # a fan that comes on takes 2 to 5
    below_most=12.0,
    loosened=2.5,
    below_allow=2.5,
    below_pause=8.0,
    sum_warn=90.0,
    sum_pause=100.0,
    above_warn=8.0,
    above_pause=12.0,
    climb_degc=10.0,
    swing_degc=8.0,
    swing_s=300.0,
    jump_degc=8.0,
    jump_s=3.0,
    up_s=20.0,  # the fastest nozzles gain some 12 degC/s
    coldest=-15.0,
    hottest=500.0,
)
BED = Limits(
    band=2.0,
    settle_s=120.0,
    gain_degc=0.8,
    gain_s=30.0,
    gain_share=0.1,
    near_degc=8.0,
    near_s=90.0,
    rise=(28.0, 40.0),
    below_warn=3.2,  # a door that is opened takes 3
    below_most=8.0,
    loosened=1.2,
    below_allow=1.5,
    below_pause=5.0,
    sum_warn=150.0,
    sum_pause=150.0,
    above_warn=5.0,
    above_pause=8.0,
    climb_degc=6.0,
    swing_degc=6.0,
    swing_s=900.0,
    jump_degc=6.0,
    jump_s=1.0,
    up_s=5.0,
    coldest=-15.0,
    hottest=200.0,
)


def limits_of(heater: str) -> Limits:
    """A heater's limits by its name: what is no tool is slow, like a bed."""
    return TOOL if heater.startswith("tool") else BED
