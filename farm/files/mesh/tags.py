"""The corners and triangles of a 3MF, tag after tag: ten times as fast as an XML parser tells of each.

Only the plainest form is read here, which is what programs write: <vertex x="1" y="2.5" z="-3"/>. Whatever is
written otherwise stops the run, and is left to the parser that everything else goes through.
"""

from __future__ import annotations

import math
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from farm.files.mesh.model import Floats
from farm.files.mesh.text import Text, digits
from farm.workers.kernels import kernel

SHORTEST = 20  # bytes of a tag with three numbers, and some
BEHIND = b"\n" * 16  # what has to follow the text, so that nothing is read beyond it

_QUOTE, _APOSTROPHE, _AMPERSAND, _LESS, _SLASH, _MORE, _EQUALS = b"\"'&</>="
_MOST_INDEX = 2.0**31 - 1


class Tag(IntEnum):
    """What a run consists of."""

    CORNER = 0
    TRIANGLE = 1


_OPENINGS = tuple(np.frombuffer(opening, np.uint8) for opening in (b"<vertex", b"<triangle"))
_NAMES = np.array([[*b"xyz"], [ord("v") + 256 * digit for digit in b"123"]])  # of the numbers, as _name reads


def rows(text: Text, at: int, end: int, tag: Tag) -> tuple[Floats, int]:
    """The numbers of each tag from `at` on, shape (n, 3), and where the first that is no such tag begins.

    text: with BEHIND after its `end`.
    """
    found = np.empty(((end - at) // SHORTEST + 1, 3))
    count, at = _rows(text, at, end, _OPENINGS[tag], _NAMES[tag], tag == Tag.TRIANGLE, found)
    return found[:count], at


@kernel
def _rows(
    text: Text, at: int, end: int, opening: Text, names: NDArray[np.int64], whole: bool, found: Floats
) -> tuple[int, int]:
    """whole: the numbers have to be indices."""
    count = 0
    begin = _blank(text, at, end)
    while count < len(found):
        at = _opened(text, begin, end, opening)
        seen = 0
        while at > 0 and text[at] != _SLASH:
            name, at = _name(text, at, end)
            which = _which(name, names)
            if at > 0 and which >= 0:
                found[count, which], at = _value(text, at, end, whole)
                seen += 1 << (2 * which)  # twice the same comes to another sum
            elif at > 0:
                at = _skipped(text, at, end)
        if at <= 0 or seen != 0b10101 or text[at + 1] != _MORE or at + 1 >= end:
            break
        count += 1
        begin = _blank(text, at + 2, end)
    return count, begin


@kernel
def _blank(text: Text, at: int, end: int) -> int:
    """Behind spaces and ends of lines."""
    while at < end and (text[at] == 32 or 9 <= text[at] <= 10 or text[at] == 13):
        at += 1
    return at


@kernel
def _opened(text: Text, at: int, end: int, opening: Text) -> int:
    """Where the first attribute begins; -1 where no such tag does."""
    if at + len(opening) >= end:
        return -1
    for letter in range(len(opening)):
        if text[at + letter] != opening[letter]:
            return -1
    return _next(text, at + len(opening), end)


@kernel
def _next(text: Text, at: int, end: int) -> int:
    """The next attribute, which something blank has to part from what is before it, or the tag's slash."""
    if at >= end:
        return -1
    behind = _blank(text, at, end)
    return behind if behind < end and (behind > at or text[at] == _SLASH) else -1


@kernel
def _name(text: Text, at: int, end: int) -> tuple[int, int]:
    """An attribute's name as a number, of its first two letters alone when it has no more; and its value."""
    name = length = 0
    while at < end and text[at] > _QUOTE and text[at] != _EQUALS and text[at] != _LESS and text[at] != _MORE:
        if length < 2:
            name += int(text[at]) << (8 * length)
        length += 1
        at += 1
    quoted = at + 1 < end and text[at] == _EQUALS and (text[at + 1] == _QUOTE or text[at + 1] == _APOSTROPHE)
    if not quoted or length == 0:
        return -1, -1
    return (name if length <= 2 else -1), at + 1


@kernel
def _which(name: int, names: NDArray[np.int64]) -> int:
    for which in range(3):
        if names[which] == name:
            return which
    return -1


@kernel
def _value(text: Text, at: int, end: int, whole: bool) -> tuple[float, int]:
    """The number in quotes at `at`, and what follows; -1 where it is none."""
    quote = text[at]
    value, at = digits(text, at + 1)
    if at >= end or text[at] != quote or not math.isfinite(value):
        return 0.0, -1
    if whole and not (0.0 <= value <= _MOST_INDEX and value == math.floor(value)):
        return 0.0, -1
    return value, _next(text, at + 1, end)


@kernel
def _skipped(text: Text, at: int, end: int) -> int:
    """Behind a value that nobody asks for."""
    quote = text[at]
    at += 1
    while at < end and text[at] != quote and text[at] != _AMPERSAND and text[at] != _LESS:
        at += 1
    if at >= end or text[at] != quote:
        return -1
    return _next(text, at + 1, end)
