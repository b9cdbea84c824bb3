"""Readings that carry the moment at which they were taken, so that whoever sees one can tell how old it is.

The moment hides in digits that no thermometer has: 21.34 degC become 21.340123456 at a moment that is
12.3456 s after a full hundred.
"""

from __future__ import annotations

TICK_S = 0.0001
TICKS = 1_000_000  # until the moments repeat: 100 s, longer than anybody waits for a reading
_DIGIT = 1e-8  # degC that stand for one tick; all ticks together stay below a hundredth


def stamped(degc: float, at: float) -> float:
    """A reading in degC, to the hundredth, that carries the moment `at` in Unix seconds."""
    return round(round(degc, 2) + int(at / TICK_S) % TICKS * _DIGIT, 8)


def age_s(degc: float, now: float) -> float:
    """How long before `now` a stamped reading was taken: seconds, modulo 100 s."""
    ticks = round(degc / _DIGIT) % TICKS
    return (now / TICK_S - ticks) % TICKS * TICK_S
