"""Fits arcs to chains of short printed lines: what was round before it was sliced becomes round again."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from farm.files.optimise.circles import CENTRE_DIGITS, Arc, Path, fit
from farm.files.optimise.moves import Segment

FEWEST_LINES = 4  # through three points there is always a circle; it takes more to show that one was meant
LONGEST_CHAIN = 4096  # lines held at a time
EVEN = 0.03  # by which the filament for a millimetre may differ along an arc
FILAMENT_STEP_MM = 1e-5  # slicers round E to this
PLACE_STEP_MM = 1e-3  # and places to this
SHARPEST_COSINE = math.cos(math.radians(45))  # of the turn at a corner that no arc goes round


@dataclass(frozen=True, slots=True)
class ArcSupport:
    """How a printer takes arcs. tolerance_mm: by how much they may stray from the lines.

    step_mm: how long the straight pieces are that the firmware itself makes of them. One millimetre is the
    default of Klipper and of Marlin up to 2.0, and the coarsest that is common.
    """

    tolerance_mm: float = 0.05
    step_mm: float = 1.0

    def smooth(self, arc: Arc) -> bool:
        """Whether the firmware's own pieces stray from the arc by no more than the tolerance."""
        pieces = max(1, int(arc.length / self.step_mm))
        return arc.radius * (1 - math.cos(arc.length / arc.radius / pieces / 2)) <= self.tolerance_mm


@dataclass(slots=True)
class Fitted:
    """What was fitted. lines: that arcs took the place of. deviation_mm: the largest of all arcs."""

    arcs: int = 0
    lines: int = 0
    deviation_mm: float = 0.0

    def count(self, arc: Arc) -> None:
        self.arcs += 1
        self.lines += arc.last - arc.first
        self.deviation_mm = max(self.deviation_mm, arc.deviation)


def fit_arcs(lines: Iterable[bytes | Segment], support: ArcSupport, fitted: Fitted) -> Iterator[bytes]:
    """The lines with arcs in them. All else stays where it is, and no arc goes across it.

    fitted: counts what is done.
    """
    chain: list[Segment] = []
    for line in lines:
        if isinstance(line, Segment):
            if line.feed is not None or len(chain) == LONGEST_CHAIN:
                yield from _chain_with_arcs(chain, support, fitted)
                chain = []
            chain.append(line)
        else:
            yield from _chain_with_arcs(chain, support, fitted)
            chain = []
            yield line
    yield from _chain_with_arcs(chain, support, fitted)


def _chain_with_arcs(chain: Sequence[Segment], support: ArcSupport, fitted: Fitted) -> Iterator[bytes]:
    """The same for lines that follow each other with nothing between."""
    if len(chain) < FEWEST_LINES:
        yield from (segment.text for segment in chain)
        return
    path = Path.through([chain[0].start, *(segment.end for segment in chain)])
    for first, end in _gentle_stretches(path):
        at = first
        while at < end:
            arc = _longest(chain, path, at, end, support)
            if arc is None:
                yield chain[at].text
                at += 1
            else:
                yield _text_of(arc, chain)
                fitted.count(arc)
                at = arc.last


def _longest(chain: Sequence[Segment], path: Path, first: int, end: int, support: ArcSupport) -> Arc | None:
    """The longest arc from a corner on: farther and farther while one fits, then halving the steps."""
    if end - first < FEWEST_LINES:
        return None
    best: Arc | None = None
    reach, step, growing = first, FEWEST_LINES, True
    while step and reach < end:
        last = min(reach + step, end)
        arc = fit(path, first, last, support.tolerance_mm)
        if arc is not None and _is_even(chain, path, first, last):
            best, reach = arc, last
        elif best is None:
            return None
        else:
            growing = False
        step = step * 2 if growing else step // 2
    return best if best is not None and support.smooth(best) else None


def _text_of(arc: Arc, chain: Sequence[Segment]) -> bytes:
    """It ends in the very words of the last line, and takes the very filament of all."""
    last = chain[arc.last - 1]
    e = last.e
    if not last.counted:
        e = _short(f"{sum(Decimal(each.e.decode()) for each in chain[arc.first : arc.last]):f}")
    i, j = (_short(f"{offset:.{CENTRE_DIGITS}f}") for offset in (arc.i, arc.j))
    line = b"G%d X%b Y%b I%b J%b E%b" % (2 if arc.clockwise else 3, last.x, last.y, i, j, e)
    feed = chain[arc.first].feed
    return line if feed is None else line + b" F" + feed


def _gentle_stretches(path: Path) -> Iterator[tuple[int, int]]:
    """From which corner to which no corner between is so sharp that no arc goes round it."""
    x, y, along = path.x, path.y, path.along
    first = 0
    for corner in range(1, len(x) - 1):
        dot = (x[corner] - x[corner - 1]) * (x[corner + 1] - x[corner])
        dot += (y[corner] - y[corner - 1]) * (y[corner + 1] - y[corner])
        lengths = (along[corner] - along[corner - 1]) * (along[corner + 1] - along[corner])
        if dot <= SHARPEST_COSINE * lengths:  # and where a line has no length
            yield first, corner
            first = corner
    yield first, len(x) - 1


def _is_even(chain: Sequence[Segment], path: Path, first: int, last: int) -> bool:
    """Whether each of the lines takes the same filament for its length, but for what rounding did."""
    along = path.along
    rate = sum(segment.mm for segment in chain[first:last]) / (along[last] - along[first])
    rounding = FILAMENT_STEP_MM + rate * PLACE_STEP_MM
    for line in range(first, last):
        expected = rate * (along[line + 1] - along[line])
        if abs(chain[line].mm - expected) > EVEN * expected + rounding:
            return False
    return True


def _short(number: str) -> bytes:
    """Without needless zeros, as `moves` reads numbers."""
    if "." in number:
        number = number.rstrip("0").rstrip(".")
    if number.startswith("0."):
        number = number[1:]
    return (number if number not in ("-0", "") else "0").encode()
