"""The comments of a G-code file: `; key = value` as most slicers write them, `;KEY:value` as Cura does."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from typing import Self

from farm.files.slicers.ends import Ends

MAX_LINE = 8 * 1024  # bytes; whole start scripts stand on one line, and nothing that is asked for here
MOST_TOOLS = 64
LONGEST_WORD = 80  # characters of a key, and of a name that is shown

_COMMENT = re.compile(rb"(?:^|(?<=\r));[^\r\n]*", re.MULTILINE)


class Remarks:
    """What a slicer says in single lines. Of two that say the same, the later one counts."""

    def __init__(self, block: bytes) -> None:
        """block: lines of G-code, with comments in them."""
        comments = (line[0][1:] for line in _COMMENT.finditer(block) if len(line[0]) <= MAX_LINE)
        self._read([comment.decode("utf-8", "replace").strip() for comment in comments])

    @classmethod
    def of_lines(cls, lines: Iterable[str]) -> Self:
        """The same, from lines that stand in no comments."""
        remarks = cls(b"")
        remarks._read([line.strip() for line in lines if len(line) <= MAX_LINE])
        return remarks

    @classmethod
    def at(cls, ends: Ends) -> Remarks:
        """What stands at both ends of a text."""
        head = cls(ends.head)
        return head if ends.complete else head.then(cls(ends.foot))

    def _read(self, lines: list[str]) -> None:
        self.lines = lines
        self._settings = dict(_pairs(lines, "="))
        self._labels = dict(_pairs(lines, ":"))

    def then(self, later: Remarks) -> Remarks:
        """Both together."""
        both = Remarks(b"")
        both.lines = self.lines + later.lines
        both._settings = self._settings | later._settings
        both._labels = self._labels | later._labels
        return both

    def setting(self, *keys: str) -> str:
        """The value of the first of the keys that is set, "" when none is."""
        return next((self._settings[key] for key in keys if self._settings.get(key)), "")

    def label(self, *keys: str) -> str:
        """The same for labels."""
        return next((self._labels[key] for key in keys if self._labels.get(key)), "")


def _pairs(lines: Iterable[str], mark: str) -> Iterator[tuple[str, str]]:
    for line in lines:  # no pattern: those for this take very long over lines that somebody thought out
        key, found, value = line.partition(mark)
        if found and len(key) <= LONGEST_WORD:
            yield key.strip(), value.strip()


def number(text: str, most: float, least: float = 0.0) -> float | None:
    """The number that `text` is; None for anything else, and for what cannot be true."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and least <= value <= most else None


def numbers(text: str, most: float) -> list[float | None]:
    """A number for each tool, separated by commas."""
    return [number(one, most) for one in text.split(",")[:MOST_TOOLS]] if text else []


def word(text: str) -> str | None:
    """A name somebody chose, fit to be shown; None for an empty one."""
    plain = "".join(letter for letter in text if letter.isprintable()).strip(' "')
    return plain[:LONGEST_WORD] or None
