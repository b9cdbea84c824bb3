"""How long the phases of a print take, as looks at its printer show it. Holds no clock and asks nobody."""

from __future__ import annotations

from collections.abc import Mapping

from farm.domain.durations import Measured
from farm.domain.printer import Temperature

LONGEST_UNSEEN_S = 60.0  # between two looks: nobody knows what happened in a longer gap
COLD_DEGC, WARM_DEGC = 10.0, 3.0  # below the target: still to be heated, and reached
HEATS_WITHIN_S = 1800.0  # what is heated later is a change of tools or of layers
RELEASED_DEGC = 35.0  # at which a plate lets go of what was printed on it
WAS_HOT_DEGC = RELEASED_DEGC + 5.0
COOLS_WITHIN_S = 3 * 3600.0  # on a hot day some never do


class Phases:
    """One print from its first byte to its end. What was not watched all the time is not told at all."""

    def __init__(self, from_the_beginning: bool) -> None:
        """from_the_beginning: it is not taken up in the midst of its way."""
        self._upload_s: float | None = None
        self._sent_bytes = 0
        self._began_at: float | None = None
        self._heated_at: float | None = None
        self._is_cold = False
        self._seen_at: float | None = None
        self._is_whole = from_the_beginning

    def sent(self, seconds: float, size: int) -> None:
        """Its file is there. size: in bytes."""
        self._upload_s, self._sent_bytes = seconds, size

    def begin(self, now: float) -> None:
        """It was seen printing; a second time after a pause, which nobody can tell from printing later."""
        if self._began_at is not None:
            self._is_whole = False
        self._began_at = self._seen_at = now

    def lose_sight(self) -> None:
        """Something was missed, or it stands still; before it has begun nothing is missed."""
        self._is_whole = self._is_whole and self._began_at is None

    def see(self, now: float, temperatures: Mapping[str, Temperature]) -> None:
        """One look at the printer, while it prints."""
        if self._began_at is None:
            return
        if self._seen_at is not None and now - self._seen_at > LONGEST_UNSEEN_S:
            self._is_whole = False
        self._seen_at = now
        if now - self._began_at <= HEATS_WITHIN_S:
            self._see_heat(now, temperatures)

    def _see_heat(self, now: float, temperatures: Mapping[str, Temperature]) -> None:
        """The bed comes first and then the nozzle, perhaps twice: what counts is when all is warm at last."""
        missing = [
            heater.target - heater.actual
            for heater in temperatures.values()
            if heater.target and heater.actual is not None
        ]
        if missing and max(missing) > COLD_DEGC:
            self._is_cold = True
        elif self._is_cold and missing and max(missing) <= WARM_DEGC:
            self._is_cold = False
            self._heated_at = now

    def ended(self, now: float) -> Measured | None:
        """It ended well."""
        if self._began_at is None or not self._is_whole:
            return None
        if self._seen_at is not None and now - self._seen_at > LONGEST_UNSEEN_S:
            return None
        heated_at = self._began_at if self._heated_at is None else self._heated_at
        heat_s = None if self._heated_at is None else heated_at - self._began_at
        return Measured(now - heated_at, heat_s, self._upload_s, self._sent_bytes)


class Cooling:
    """From the end of a print to a bed that lets go of it."""

    def __init__(self, print_id: str, now: float) -> None:
        self.print = print_id
        self._began_at = self._seen_at = now
        self._was_hot = False

    def see(self, now: float, bed: Temperature | None) -> bool:
        """One look at the printer. Whether this may go on."""
        gap_s, self._seen_at = now - self._seen_at, now
        if gap_s > LONGEST_UNSEEN_S or now - self._began_at > COOLS_WITHIN_S:
            return False
        if bed is None or bed.actual is None:
            return False
        if bed.target:  # the last lines of the file are to switch it off
            return not self._was_hot and now - self._began_at <= LONGEST_UNSEEN_S
        if not self._was_hot and bed.actual < WAS_HOT_DEGC:
            return False
        self._was_hot = True
        return True

    def took_s(self, bed: Temperature | None) -> float | None:
        """How long it took, once it is cool."""
        cool = bed is not None and bed.actual is not None and bed.actual <= RELEASED_DEGC
        return self._seen_at - self._began_at if cool and self._was_hot else None
