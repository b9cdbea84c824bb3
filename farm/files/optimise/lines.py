"""The lines of a G-code file: read within bounds, and freed of what only people and bad cables need."""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from operator import xor
from os import SEEK_CUR, SEEK_END
from typing import BinaryIO

from farm.domain.optimising import Comments
from farm.errors import Invalid

LONGEST_LINE = 64 * 1024  # bytes; the outlines of many objects stand on one, and nothing longer was seen
TELL_EVERY = 256 * 1024  # bytes

GAP = b""
"""A line that was left out. It is not written; but what stands before and behind it is not one piece."""


# Looked for between the moves by print hosts and their plugins: where an object begins and ends, so that one
# of several can be given up; where a layer does; and what Cura says of the time that has passed.
_FOR_HOSTS = re.compile(
    rb"\A; ?(?:(?:stop |start )?printing object|OBJECT_ID:|MESH:|TIME_ELAPSED:|LAYER|layer ?#?\d"
    rb"|BEFORE_LAYER_CHANGE|AFTER_LAYER_CHANGE|CHANGE_LAYER|PAUSE_PRINT|COLOR_CHANGE|CUSTOM_GCODE)"
)

# As far as one sees it on the line alone. They look at the beginnings of lines within a whole file.
_BEGINS = rb"(?m:^)[ \t]*+(?:[Nn]\d++[ \t]*+)?"
PRINTS = re.compile(_BEGINS + rb"[Gg]0*+[123](?!\d)(?=[^;\n]*[Ee])[^;\n]*?[XYxy]")
MOVES = re.compile(_BEGINS + rb"[Gg](?:0*+[123]|0++|28)(?!\d)")
ENDS_MOVING = re.compile(rb"\AM(?:84|18|2|81|112)(?!\d)")

_NUMBERED = re.compile(rb"\AN\d++ *+")

# A command of which nothing counts but its numbers.
_PLAIN = re.compile(rb"\A(?!M11[78]\b)[GMT]\d++(?:\.\d++)?(?: *+[A-Z][-+]?\d*+(?:\.\d*+)?)*+")


def last_line(file: BinaryIO, kind: re.Pattern[bytes]) -> tuple[int, int]:
    """Where the last line of a kind begins and the next one does, in bytes; 0 and 0 where there is none."""
    if file.seek(0, SEEK_END) == 0:
        return 0, 0
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        end = size = len(text)
        while end > 0:
            start = text.rfind(b"\n", 0, end) + 1
            if kind.match(text, start, end):
                return start, min(end + 1, size)
            end = start - 1
    return 0, 0


def lines_of(file: BinaryIO, until: int, seen: Callable[[int], None]) -> Iterator[bytes]:
    """The lines from here to the place `until`, without their ends.

    seen: told now and then how far it has come, in bytes. Raises Invalid for what is no text in lines.
    """
    at = file.seek(0, SEEK_CUR)
    told = at
    while at < until and (line := file.readline(LONGEST_LINE + 1)):
        at += len(line)
        if at - told >= TELL_EVERY:
            seen(at)
            told = at
        bare = line.rstrip(b"\r\n")
        if len(line) > LONGEST_LINE or b"\0" in bare or b"\r" in bare:
            raise Invalid(f"around byte {at} it is no text in lines")
        yield bare


def bare_lines(lines: Iterable[bytes], comments: Comments, *, at_end: bool = False) -> Iterator[bytes]:
    """The same without needless comments, blanks, line numbers and checksums.

    at_end: nothing is printed in them any more. Raises Invalid for a wrong checksum.
    """
    around = comments is Comments.HOST  # the print, where a host looks for more than marks
    for line in lines:
        first = line[:1]
        if not line or first.isspace():
            first = line.lstrip()[:1]
        if first == b";":
            kept = (
                comments is Comments.ALL or around or (comments is Comments.HOST and _FOR_HOSTS.match(line))
            )
            yield line if kept else GAP
        elif not first:
            yield GAP
        else:
            if around and not at_end and PRINTS.match(line):
                around = False
            yield line if comments is Comments.ALL and b";" in line else _bare(line)


def _bare(line: bytes) -> bytes:
    if line.startswith(b"N") and (number := _NUMBERED.match(line)):
        line = _checked(line)[number.end() :]
    command, comment, _ = line.partition(b";")
    if comment or line[-1:].isspace():
        command = command.rstrip()
        return command if _PLAIN.fullmatch(command) else line
    return line


def _checked(line: bytes) -> bytes:
    """The same without its checksum."""
    command, star, checksum = line.rpartition(b"*")
    if not star or not checksum.strip().isdigit():
        return line
    if reduce(xor, command) != int(checksum):
        raise Invalid(f"the checksum of {line[:40].decode(errors='replace')!r} is wrong")
    return command
