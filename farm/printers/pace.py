"""How often a printer's readings go on to the data processor, whose mailbox is there for all printers."""

from __future__ import annotations

MOST_A_S = 20  # readings; drivers tell twice a second at most, unless one has gone mad


class Pace:
    """Counts one printer's readings; what comes beyond MOST_A_S in a second is passed over."""

    def __init__(self) -> None:
        self._second_ends = float("-inf")
        self._told = 0
        self._passed_over = 0

    def keeps(self, now: float) -> bool:
        """Whether a reading may go on. now: seconds of a clock that never goes back."""
        if now >= self._second_ends:
            self._second_ends, self._told = now + 1.0, 0
        self._told += 1
        if self._told <= MOST_A_S:
            return True
        self._passed_over += 1
        return False

    def passed_over(self) -> int:
        """How many were passed over since this was asked last."""
        count, self._passed_over = self._passed_over, 0
        return count
