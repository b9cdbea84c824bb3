"""How much of something is allowed in a second."""

from __future__ import annotations

from math import inf

_ROUNDING = 1e-6  # or who comes exactly when told to would be sent away


class Allowance:
    """`rate` a second, and after a calm one so many at once. rate: 0 is without limit.

    Times are those of the monotonic clock, in seconds.
    """

    __slots__ = ("_left", "_rate", "_then")

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._left = float(rate)
        self._then = -inf

    def take(self, wanted: int, now: float) -> int:
        """How many of `wanted` may be now; they are used up."""
        if not self._rate:
            return wanted
        self._left = min(self._rate, self._left + (now - self._then) * self._rate)
        self._then = now
        taken = min(wanted, int(self._left + _ROUNDING))
        self._left -= taken
        return taken

    def wait_s(self, now: float) -> float:
        """How long it is until there is one again, in seconds; call it when `take` gave none."""
        return max(0.0, (1 - self._left) / self._rate - (now - self._then)) if self._rate else 0.0
