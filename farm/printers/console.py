"""The last lines of one printer's console: what people sent, and what the printer said. Kept in memory."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

MOST_LINES = 500


class Kind(StrEnum):
    """Whose line it is."""

    SENT = "sent"  # by a person
    SAID = "said"  # by the printer, or its host
    FAILED = "failed"  # by the farm: why what was sent did not go


@dataclass(frozen=True, slots=True)
class Line:
    """number: from 1, one more for each line. who: who sent it, "" where nobody did."""

    number: int
    at: datetime
    kind: Kind
    text: str
    who: str = ""


@dataclass(frozen=True, slots=True)
class Lines:
    """Some lines, oldest first. gap: whether lines after the one asked for are gone already.

    hears: whether this kind of printer tells what it says.
    """

    lines: tuple[Line, ...]
    last: int
    gap: bool
    hears: bool


class Console:
    """A ring of lines; it outlives the crash of the printer's actor, and not a restart of the farm."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque(maxlen=MOST_LINES)
        self._last = 0

    def add(self, at: datetime, kind: Kind, text: str, who: str = "") -> None:
        """One line more; the oldest makes room."""
        self._last += 1
        self._lines.append(Line(self._last, at, kind, text, who))

    def since(self, number: int, hears: bool) -> Lines:
        """The lines after this number; all there are where it was given by another run of the farm."""
        if number > self._last:
            return Lines(tuple(self._lines), self._last, True, hears)
        found = tuple(line for line in self._lines if line.number > number)
        return Lines(found, self._last, self._last - number > len(found), hears)
