"""What a copy says beyond its original: how far the print is, and how it is pushed off at its end."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from farm.domain.ejecting import COOLEST_DEGC, HOTTEST_DEGC, checked_sweep
from farm.errors import Invalid


class Progress:
    """Tells the printer, as each minute begins, how much is done and how many minutes are left (M73)."""

    def __init__(self, seconds: float, minute_lines: Sequence[int]) -> None:
        """seconds: of the whole print. minute_lines: where each minute begins, counted from 1."""
        self._seconds = seconds
        self._minutes = deque(enumerate(minute_lines))
        self._number = 0

    def among(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """The next lines of the file, with those that are due before them."""
        for line in lines:
            self._number += 1
            # An indented line is part of a block of RepRapFirmware's language, which nothing may cut in two.
            if self._minutes and self._minutes[0][1] <= self._number and not line[:1].isspace():
                yield self._due()
            yield line

    def _due(self) -> bytes:
        """Of all minutes that have begun by now the last one counts."""
        minute = 0
        while self._minutes and self._minutes[0][1] <= self._number:
            minute, _ = self._minutes.popleft()
        left_s = max(0.0, self._seconds - 60 * minute)
        done = 1 - left_s / self._seconds if self._seconds else 0.0
        return b"M73 P%d R%d" % (int(100 * done), math.ceil(left_s / 60))


@dataclass(frozen=True, slots=True)
class Ejection:
    """How a printer pushes a print off its plate.

    release_degc: of the bed, at which prints come loose. volume_mm: the edges of where the toolhead may go.
    sweep: moves in the printer's own places, `{over}` in them standing for the height that is clear above the
    print; they begin by going up to it.
    """

    release_degc: float
    sweep: tuple[str, ...]
    volume_mm: tuple[float, float, float]

    def lines(self, top_mm: float, *, klipper: bool) -> list[bytes]:
        """What comes behind the last move of a print that is so high. Raises Invalid, naming the line.

        The toolhead goes up at once, for a macro at the end of the file may be what would have lifted it. The
        heaters are off while the bed cools; a Marlin that waits for that goes on to hold the temperature, so
        the bed is switched off once more.
        """
        if not COOLEST_DEGC <= self.release_degc <= HOTTEST_DEGC:
            raise Invalid(
                f"prints come loose between {COOLEST_DEGC:g} and {HOTTEST_DEGC:g} °C", "release_degc"
            )
        up, *sweep = checked_sweep(self.sweep, top_mm, self.volume_mm)
        wait = "TEMPERATURE_WAIT SENSOR=heater_bed MAXIMUM={:g}" if klipper else "M190 R{:g}"
        cool = ["M104 S0", "M140 S0", "M106 S255", wait.format(self.release_degc), "M107"]
        return [line.encode() for line in ["G21", "G90", up, *cool, *sweep, "M400", "M140 S0"]]


@dataclass(frozen=True, slots=True)
class Additions:
    """What is added to one file. tail: lines that come behind its last move."""

    progress: Progress | None = None
    tail: Sequence[bytes] = ()


NOTHING_MORE = Additions()
