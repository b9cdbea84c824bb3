"""What we asked of a print, until Klipper has come to it: it says nothing of that itself. No I/O."""

from __future__ import annotations

from msgspec import structs

from farm.domain.printer import Operation
from farm.drivers.base import Reading

COMES_WITHIN_S = 900.0  # a heat-up or a long move may come first
SHOWS_WITHIN_S = 5.0  # from Klipper's answer until what it shows is new, too

_BEFORE = {
    Operation.PAUSING: frozenset({Operation.PRINTING}),
    Operation.RESUMING: frozenset({Operation.PAUSED, Operation.PAUSING}),
    Operation.CANCELLING: frozenset({Operation.PRINTING, Operation.PAUSED, Operation.PAUSING}),
}
"""What the printer shows as long as it has not come to a wish."""


class Wish:
    """The latest of our wishes that a print pause, resume or end, until that shows."""

    def __init__(self) -> None:
        self._for: Operation | None = None
        self._until = float("-inf")

    def make(self, operation: Operation, now: float) -> None:
        """operation: one of PAUSING, RESUMING, CANCELLING. now: seconds of a monotonic clock."""
        self._for, self._until = operation, now + COMES_WITHIN_S

    def is_done(self, now: float) -> None:
        """Klipper says that it did it; soon it shows."""
        self._until = now + SHOWS_WITHIN_S

    def drop(self) -> None:
        self._for = None

    def shown(self, reading: Reading, now: float) -> Reading:
        """The reading as people should see it: on its way to what was wished for."""
        if self._for is None:
            return reading
        if reading.operation not in _BEFORE[self._for] or now > self._until:
            self._for = None
            return reading
        return structs.replace(reading, operation=self._for)
