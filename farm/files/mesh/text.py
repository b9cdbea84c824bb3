"""Models as text, a mebibyte of whole lines at a time: STL's facets and OBJ's corners and faces.

trimesh reads the same through lists of all the words: 70 MB for an OBJ of 12. These loops keep what they
found and nothing of the text.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from farm.errors import Invalid
from farm.files.mesh.model import Floats, Triangles
from farm.workers.kernels import kernel

Text = NDArray[np.uint8]

PIECE = 1024 * 1024  # bytes; also the longest line
SHORTEST_CORNER = 2  # bytes: a "v" without its numbers and the end of its line, which is a damaged one
SHORTEST_INDEX = 2  # bytes: a digit and a space

_SPACE, _TAB, _LINE_FEED, _SLASH = 32, 9, 10, 47
_MINUS, _PLUS, _DOT, _ZERO, _NINE = 45, 43, 46, 48, 57
_E, _F, _V = 101, 102, 118  # small letters
_LOWER = 32  # the bit that makes a letter small


def facets(path: Path) -> Iterator[Triangles]:
    """The triangles of an STL in text; NaN for what is no number there. Raises Invalid, OSError."""
    waiting, count = np.full((3, 3), math.nan), 0
    for text in lines(path):
        found = np.empty((len(text) // (3 * SHORTEST_CORNER) + 1, 3, 3))
        triangles, count = _facets(text, waiting, count, found)
        yield found[:triangles]


def lines(path: Path) -> Iterator[Text]:
    """The file in pieces that end where a line does. Raises Invalid for a line longer than PIECE; OSError."""
    rest = b""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            piece = rest + piece.replace(b"\r", b"\n")
            end = piece.rfind(b"\n") + 1
            if not end and len(piece) > PIECE:
                raise Invalid("this is no model: it has a line of more than a megabyte; export it again")
            yield np.frombuffer(piece, np.uint8, end)
            rest = piece[end:]
    yield np.frombuffer(rest + b"\n", np.uint8)


@kernel
def _facets(text: Text, waiting: Floats, count: int, found: Triangles) -> tuple[int, int]:
    """Every three lines "vertex x y z" of one facet into `found`.

    waiting, count: corners of a facet that began in the piece before. Returns how many triangles there are
    and how many corners wait.
    """
    triangles = 0
    at = 0
    while at < len(text):
        at = _word(text, at)
        letter = text[at] | _LOWER
        if letter == _F:  # facet: the one before should be whole
            count = 0
        elif letter == _V:
            at = _after_word(text, at)
            for axis in range(3):
                waiting[count, axis], at = number(text, at)
            count += 1
            if count == 3:
                found[triangles] = waiting
                triangles += 1
                count = 0
        at = _next_line(text, at)
    return triangles, count


@kernel
def corners_and_faces(text: Text, known: int, corners: Floats, faces: NDArray[np.int32]) -> tuple[int, int]:
    """The lines "v x y z" and "f 1 2/7 3//9 …" of an OBJ; faces with more corners as a fan.

    known: corners in the pieces before. corners, faces: shape (n, 3), filled from the front; how many rows
    is returned. Indices count from 0, over the whole file; -1 for what is no index.
    """
    new = triangles = 0
    at = 0
    while at < len(text):
        at = _word(text, at)
        letter = text[at]
        is_alone = at + 1 < len(text) and (text[at + 1] == _SPACE or text[at + 1] == _TAB)
        if letter == _V and is_alone:
            at += 1
            for axis in range(3):
                corners[new, axis], at = number(text, at)
            new += 1
        elif letter == _F and is_alone:
            at = _word(text, at + 1)
            first = before = -1
            sides = 0
            while text[at] != _LINE_FEED:
                index, at = _index(text, at, known + new)
                if sides == 0:
                    first = index
                elif sides >= 2:
                    faces[triangles, 0], faces[triangles, 1], faces[triangles, 2] = first, before, index
                    triangles += 1
                before = index
                sides += 1
                at = _word(text, at)
            if sides < 3:
                faces[triangles, :] = -1
                triangles += 1
        at = _next_line(text, at)
    return new, triangles


@kernel
def number(text: Text, at: int) -> tuple[float, int]:
    """The next word of the line as a number, and where it ends; NaN where it is none."""
    value, at = digits(text, _word(text, at))
    end = _after_word(text, at)
    return (value if end == at else math.nan), end


@kernel
def digits(text: Text, at: int) -> tuple[float, int]:
    """The number at `at` and what follows it, which some other byte has to; NaN where there is none.

    As exact as float() up to 15 digits with a power of ten up to 22 (W. Clinger, PLDI 1990).
    """
    sign = 1.0
    if text[at] == _MINUS or text[at] == _PLUS:
        sign = -1.0 if text[at] == _MINUS else 1.0
        at += 1
    count, power, value = 0, 0, 0.0
    while _ZERO <= text[at] <= _NINE:
        value = value * 10 + (text[at] - _ZERO)
        count += 1
        at += 1
    if text[at] == _DOT:
        at += 1
        while _ZERO <= text[at] <= _NINE:
            value = value * 10 + (text[at] - _ZERO)
            count += 1
            power -= 1
            at += 1
    if count and text[at] | _LOWER == _E:
        exponent, at = _exponent(text, at + 1)
        power += exponent
    if count == 0:
        return math.nan, at
    return sign * (value * 10.0**power if power >= 0 else value / 10.0**-power), at


@kernel
def _exponent(text: Text, at: int) -> tuple[int, int]:
    sign = 1
    if text[at] == _MINUS or text[at] == _PLUS:
        sign = -1 if text[at] == _MINUS else 1
        at += 1
    value = 0
    while _ZERO <= text[at] <= _NINE:
        value = min(1000, value * 10 + (text[at] - _ZERO))
        at += 1
    return sign * value, at


@kernel
def _index(text: Text, at: int, known: int) -> tuple[int, int]:
    """A corner's number as an index from 0: negative ones count back from the newest. -1 when it is none."""
    is_back = text[at] == _MINUS
    at += is_back
    value, count = 0, 0
    while _ZERO <= text[at] <= _NINE:
        value = min(2**30, value * 10 + (text[at] - _ZERO))
        count += 1
        at += 1
    is_index = count > 0 and (
        text[at] == _SLASH or text[at] == _SPACE or text[at] == _TAB or text[at] == _LINE_FEED
    )
    end = _after_word(text, at)
    if not is_index or value == 0:
        return -1, end
    return (max(-1, known - value) if is_back else value - 1), end


@kernel
def _word(text: Text, at: int) -> int:
    """Where the next word of the line begins, or the line ends."""
    while text[at] == _SPACE or text[at] == _TAB:
        at += 1
    return at


@kernel
def _after_word(text: Text, at: int) -> int:
    while text[at] != _SPACE and text[at] != _TAB and text[at] != _LINE_FEED:
        at += 1
    return at


@kernel
def _next_line(text: Text, at: int) -> int:
    while text[at] != _LINE_FEED:
        at += 1
    return at + 1
