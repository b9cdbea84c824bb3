"""What a copy says beyond its original: how far the print is, and how it is pushed off at its end."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from farm.errors import Invalid

OVER_MM = 5.0  # that the toolhead goes above the print, where it can
MOST_SWEEP_LINES = 200
COOLEST_DEGC, HOTTEST_DEGC = 15.0, 80.0  # of a bed that lets go of a print

_MOVE = re.compile(r"\AG[01]((?: [XYZF]-?(?:\d++(?:\.\d*+)?|\.\d++))++)")
_WORD = re.compile(r"([XYZF])(-?[\d.]++)")
_HARMLESS = re.compile(r"\A(?:G4 [PS]\d++|M400|M106 S\d++|M107|G28(?: [XY]0?)++)")


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
        up, *sweep = self._checked(min(top_mm + OVER_MM, self.volume_mm[2]))
        wait = "TEMPERATURE_WAIT SENSOR=heater_bed MAXIMUM={:g}" if klipper else "M190 R{:g}"
        cool = ["M104 S0", "M140 S0", "M106 S255", wait.format(self.release_degc), "M107"]
        return [line.encode() for line in ["G21", "G90", up, *cool, *sweep, "M400", "M140 S0"]]

    def _checked(self, over_mm: float) -> list[str]:
        """The sweep, its heights filled in, every move of it within the printer."""
        if not 1 < len(self.sweep) <= MOST_SWEEP_LINES:
            raise Invalid(f"a sweep has two to {MOST_SWEEP_LINES} lines", "sweep")
        if not re.fullmatch(r"G[01] Z\{over\}(?: F\d+)?", self.sweep[0]):
            raise Invalid("a sweep begins by going up above the print: G1 Z{over} F900", "sweep")
        lines = [line.replace("{over}", f"{over_mm:.2f}") for line in self.sweep]
        for number, line in enumerate(lines, start=1):
            if _HARMLESS.fullmatch(line):
                continue
            move = _MOVE.fullmatch(line)
            if move is None:
                raise Invalid(f"line {number} of the sweep is no plain move: {line[:40]}", "sweep")
            for axis, value in _WORD.findall(move[1]):
                if axis != "F" and not 0 <= float(value) <= self.volume_mm["XYZ".index(axis)]:
                    raise Invalid(f"line {number} of the sweep leaves the printer: {axis}{value}", "sweep")
        if not any(re.search(r" [XY]", line) for line in lines):
            raise Invalid("a sweep goes across the plate somewhere", "sweep")
        return lines


@dataclass(frozen=True, slots=True)
class Additions:
    """What is added to one file. tail: lines that come behind its last move."""

    progress: Progress | None = None
    tail: Sequence[bytes] = ()


NOTHING_MORE = Additions()
