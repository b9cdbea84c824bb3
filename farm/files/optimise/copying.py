"""A smaller copy of a G-code file, made in one go from beginning to end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from os import SEEK_END
from pathlib import Path
from typing import BinaryIO

from farm.errors import Invalid
from farm.files.optimise.arcs import ArcSupport, Fitted, fit_arcs
from farm.files.optimise.lines import GAP, Comments, bare_lines, lines_of, where_printing_ends
from farm.files.optimise.moves import Segment, Toolhead

_PACKED = frozenset({b"GCDE", b"PK\x03\x04"})  # binary G-code; .gcode.3mf and .ufp

_MOVES = (b"G0 ", b"G1 ", b"G2 ", b"G3 ")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be done to a file. arcs: None where the printer takes none."""

    comments: Comments = Comments.HOST
    arcs: ArcSupport | None = None


@dataclass(frozen=True, slots=True)
class Size:
    """moves: lines that move something, G0 to G3."""

    bytes: int
    lines: int
    moves: int


@dataclass(frozen=True, slots=True)
class Savings:
    """What became of a file. arc_lines: lines that arcs took the place of.

    deviation_mm: the most that an arc and its lines are apart anywhere; None where there is no arc.
    """

    before: Size
    after: Size
    arcs: int = 0
    arc_lines: int = 0
    deviation_mm: float | None = None


def require_plain(source: Path) -> None:
    """Raises Invalid for a container of G-code, and OSError."""
    with source.open("rb") as file:
        if file.read(4) in _PACKED:
            raise Invalid("it is packed; only plain G-code can be made smaller")


class _Count:
    """Counts lines as they go by."""

    def __init__(self) -> None:
        self.lines = 0
        self.moves = 0

    def of(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        for line in lines:
            self.lines += 1
            self.moves += line.startswith(_MOVES)
            yield line


def write_copy(source: Path, target: Path, wishes: Wishes, seen: Callable[[int], None]) -> Savings:
    """Write the copy that was wished for. Memory is bounded whatever the size.

    seen: told now and then how many bytes of the source are done. Raises OSError, and Invalid for a file that
    is better left as it is; what is in the target then is of no use.
    """
    require_plain(source)
    fitted, original, shorter = Fitted(), _Count(), _Count()
    with source.open("rb") as file, target.open("wb") as copy:
        lines = original.of(_source_lines(file, wishes.comments, seen))
        taken = Toolhead().shorten(lines)
        written = (line for line in _with_arcs(taken, wishes.arcs, fitted) if line is not GAP)
        copy.writelines(line + b"\n" for line in shorter.of(written))
        before, after = file.seek(0, SEEK_END), copy.seek(0, SEEK_END)
    return Savings(
        Size(before, original.lines, original.moves),
        Size(after, shorter.lines, shorter.moves),
        fitted.arcs,
        fitted.lines,
        fitted.deviation_mm if fitted.arcs else None,
    )


def _source_lines(file: BinaryIO, comments: Comments, seen: Callable[[int], None]) -> Iterator[bytes]:
    foot = where_printing_ends(file)
    file.seek(0)
    yield from bare_lines(lines_of(file, foot, seen), comments)
    yield from bare_lines(lines_of(file, sys.maxsize, seen), comments, at_end=True)


def _with_arcs(
    lines: Iterable[bytes | Segment], support: ArcSupport | None, fitted: Fitted
) -> Iterator[bytes]:
    if support is None:
        return (line.text if isinstance(line, Segment) else line for line in lines)
    return fit_arcs(lines, support, fitted)
