"""A smaller copy of a G-code file, made in one go from beginning to end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from os import SEEK_END
from pathlib import Path
from typing import BinaryIO, Protocol

from farm.domain.optimising import Comments, Savings, Size
from farm.errors import Invalid
from farm.files.optimise.additions import NOTHING_MORE, Additions, Ejection
from farm.files.optimise.arcs import ArcSupport, Fitted, fit_arcs
from farm.files.optimise.lines import (
    ENDS_MOVING,
    MOVES,
    PRINTS,
    bare_lines,
    last_line,
    lines_of,
)
from farm.files.optimise.moves import Segment, Toolhead

_PACKED = frozenset({b"GCDE", b"PK\x03\x04"})  # binary G-code; .gcode.3mf and .ufp

_MOVES = (b"G0 ", b"G1 ", b"G2 ", b"G3 ")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be done to a file. arcs: None where the printer takes none.

    progress: tell the printer how far it is, where the file does not. ejection: of the print, at its end.
    """

    comments: Comments = Comments.HOST
    arcs: ArcSupport | None = None
    progress: bool = False
    ejection: Ejection | None = None


def require_plain(source: Path) -> None:
    """Raises Invalid for a container of G-code, and OSError."""
    with source.open("rb") as file:
        if file.read(4) in _PACKED:
            raise Invalid("it is packed; only plain G-code can be made smaller")


class _Section(Protocol):
    """The lines of the original up to a place in it. at_end: nothing is printed in them any more."""

    def __call__(self, until: int, *, at_end: bool) -> Iterator[bytes]: ...


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


def write_copy(
    source: Path,
    target: Path,
    wishes: Wishes,
    seen: Callable[[int], None],
    additions: Additions = NOTHING_MORE,
) -> Savings:
    """Write the copy that was wished for. Memory is bounded whatever the size.

    seen: told now and then how many bytes of the source are done. Raises OSError, and Invalid for a file that
    is better left as it is; what is in the target then is of no use.
    """
    require_plain(source)
    fitted, original, shorter = Fitted(), _Count(), _Count()
    with source.open("rb") as file, target.open("wb") as copy:

        def section(until: int, *, at_end: bool) -> Iterator[bytes]:
            lines = original.of(lines_of(file, until, seen))
            if additions.progress is not None:
                lines = additions.progress.among(lines)
            return bare_lines(lines, wishes.comments, at_end=at_end)

        taken = Toolhead().shorten(_put_together(file, section, additions))
        written = filter(None, _with_arcs(taken, wishes.arcs, fitted))  # without gaps
        copy.writelines(line + b"\n" for line in shorter.of(written))
        before, after = file.seek(0, SEEK_END), copy.seek(0, SEEK_END)
    return Savings(
        Size(before, original.lines, original.moves),
        Size(after, shorter.lines, shorter.moves),
        fitted.arcs,
        fitted.lines,
        fitted.deviation_mm if fitted.arcs else None,
    )


def _put_together(file: BinaryIO, section: _Section, additions: Additions) -> Iterator[bytes]:
    """The lines to be copied: the print, its end, and what is added.

    A tail comes behind the last move, for until then the file itself lifts and parks the toolhead and
    draws the filament back; and before the motors are switched off, for then nobody knows where it is.
    """
    printed, _ = last_line(file, PRINTS)
    _, moved = last_line(file, MOVES)
    file.seek(0)
    yield from section(printed, at_end=False)
    if additions.tail:
        if moved == 0:
            raise Invalid("nobody can tell where its last move is, so nothing can be pushed off behind it")
        for line in section(moved, at_end=True):
            if ENDS_MOVING.match(line):
                raise Invalid(
                    "it moves once more after its motors are off, so nothing can be pushed off then"
                )
            yield line
        yield from additions.tail
    yield from section(sys.maxsize, at_end=True)
    if additions.progress is not None:
        yield b"M73 P100 R0"


def _with_arcs(
    lines: Iterable[bytes | Segment], support: ArcSupport | None, fitted: Fitted
) -> Iterator[bytes]:
    if support is None:
        return (line.text if isinstance(line, Segment) else line for line in lines)
    return fit_arcs(lines, support, fitted)
