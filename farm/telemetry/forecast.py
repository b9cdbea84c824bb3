"""When a print will be done, by how it has come on so far. Plain reckoning, no clock.

What is estimated is the pace: seconds of printing that the whole file takes. The slicer's estimate is where
that starts; each piece of the print says something about it, the more the larger the piece, and the pieces
among themselves say how far they may be off (Bayesian regression with known weights: of a piece that is a
share p of the print the time is pace * p, give or take sqrt(p) times some spread). Parts that lie together
are alike, which makes many small pieces say less than they seem to (Newey & West 1987). So the answer becomes
surer as the print goes on, and jumps by no more than what is learned.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from farm.domain.metrics import Forecast
from farm.domain.printer import Operation

PIECE = 0.02  # of a print: smaller ones are blurred by how coarsely peers tell their progress
SLICER_OFF = 0.15  # a slicer's estimate, as a share of it: a standard deviation
ODD = 4.0  # variances: farther off is a slicer that knew something else than this printer
PIECE_OFF = 0.4  # the time of a PIECE, as a share of it, before any was seen; with how alike they are
BELIEVED_PIECES = 8.0  # how many seen pieces that counts as
ALIKE = 4  # pieces: farther apart they have nothing to do with each other
NINE_OF_TEN = 1.645  # standard deviations
BACK = 0.01  # progress that goes back by more is that of another attempt
LATELY_S = 300.0  # how far the present rate looks back, at least over two pieces
MOST_MARKS = 64

_STANDS = frozenset({Operation.PAUSED, Operation.PAUSING})
_GOES_ON = frozenset({Operation.PRINTING, Operation.RESUMING, Operation.PREPARING})


@dataclass(frozen=True, slots=True)
class Sight:
    """How far a print was at a moment.

    print: which one. now: seconds of a clock that never goes back. progress: 0..1. heats: whether it waits
    for a heater. estimate_s: its slicer's, None for none.
    """

    print: str
    now: float
    progress: float
    operation: Operation
    heats: bool = False
    estimate_s: float | None = None


class Course:
    """One print's course, from when it was first seen."""

    def __init__(self, sight: Sight) -> None:
        self.print = sight.print
        self._begin(sight)

    def _begin(self, sight: Sight) -> None:
        self._estimate_s = sight.estimate_s if sight.estimate_s and sight.estimate_s > 0 else None
        self._seen_at = sight.now
        self._progress = sight.progress
        self._printed_s = 0.0  # since it was first seen, without pauses
        self._piece: tuple[float, float] | None = None  # printed_s and progress where it began
        self._moved_s = 0.0  # printed_s when the progress last moved
        self._pieces: list[tuple[float, float]] = []  # share and seconds of each; 1 / PIECE at most
        self._marks: deque[tuple[float, float]] = deque(maxlen=MOST_MARKS)  # printed_s, progress: lately

    def see(self, sight: Sight) -> None:
        """Take in a look; one that is older than the last is none."""
        if sight.progress < self._progress - BACK:
            self._begin(sight)
            return
        passed = sight.now - self._seen_at
        if passed < 0:
            return
        self._seen_at = sight.now
        if sight.operation in _GOES_ON and not (sight.heats and sight.progress < PIECE):
            self._printed_s += passed
        if sight.progress > self._progress:
            self._move_to(sight.progress)

    def _move_to(self, progress: float) -> None:
        self._progress = progress
        self._moved_s = self._printed_s
        if not self._marks or progress - self._marks[-1][1] >= PIECE / 4:
            self._marks.append((self._printed_s, progress))
        if self._piece is None:
            self._piece = (self._printed_s, progress)
            return
        began_s, began = self._piece
        share, took_s = progress - began, self._printed_s - began_s
        if share >= PIECE:
            self._pieces.append((share, took_s))
            self._piece = (self._printed_s, progress)

    def forecast(self, at: float) -> Forecast:
        """What there is to be said. at: the wall clock now, Unix seconds."""
        rate = self._rate_per_h()
        pace = self._pace()
        if pace is None:
            return Forecast(rate)
        pace_s, variance, spread = pace
        left = 1.0 - self._progress
        since_moved = min(self._printed_s - self._moved_s, PIECE * pace_s)
        left_s = max(left * pace_s - since_moved, 0.0)
        off_s = math.sqrt(left * left * variance + left * spread)
        return Forecast(rate, at + left_s, NINE_OF_TEN * off_s)

    def _pace(self) -> tuple[float, float, float] | None:
        """Seconds for the whole print, their variance, and the spread: a piece's variance by its share."""
        share, time_s = sum(each for each, _ in self._pieces), sum(took_s for _, took_s in self._pieces)
        seen = time_s / share if share else self._estimate_s
        usual = self._estimate_s or seen
        if seen is None or usual is None:
            return None
        spread = self._spread(seen)
        weight = share / spread
        trust = 0.0 if self._estimate_s is None else 1.0 / (SLICER_OFF * max(usual, seen)) ** 2
        if trust and weight:  # one that is as far off as hardly ever is believed the less
            odd = (usual - seen) ** 2 / (1.0 / trust + 1.0 / weight)
            trust /= max(1.0, odd / ODD)
        pace_s = (trust * usual + weight * seen) / (trust + weight)
        return pace_s, 1.0 / (trust + weight), spread

    def _spread(self, pace_s: float) -> float:
        """From what is believed of any print, and from how far the pieces of this one are off the pace."""
        believed = (PIECE_OFF * pace_s) ** 2 * PIECE
        off = [(took_s - pace_s * share) / math.sqrt(share) for share, took_s in self._pieces]
        found = sum(each * each for each in off)
        for apart in range(1, ALIKE + 1):
            alike = sum(one * other for one, other in zip(off, off[apart:], strict=False))
            found += 2.0 * (1.0 - apart / (ALIKE + 1)) * alike
        weight = max(len(off) - 1, 0)
        found = max(found, 0.0) if weight else 0.0
        return (BELIEVED_PIECES * believed + found) / (BELIEVED_PIECES + weight)

    def _rate_per_h(self) -> float | None:
        """Share of the print an hour of printing, as it went lately."""
        if len(self._marks) < 2:
            return None
        printed_s, progress = self._marks[-1]
        long_ago = next(
            (
                mark
                for mark in reversed(self._marks)
                if printed_s - mark[0] >= LATELY_S and progress - mark[1] >= 2 * PIECE
            ),
            self._marks[0],
        )
        took_s = max(self._printed_s, printed_s) - long_ago[0]
        return 3600.0 * (progress - long_ago[1]) / took_s if took_s > 0 else None
