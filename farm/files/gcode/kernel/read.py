"""One piece of a file, line by line: what the workers call."""

from __future__ import annotations

from typing import Any

from farm.files.gcode.kernel.commands import read_command, read_named
from farm.files.gcode.kernel.planner import plan
from farm.files.gcode.kernel.scan import MARKED, MOST_CHORDS, QUEUED
from farm.files.gcode.kernel.strokes import are_full
from farm.files.gcode.kernel.text import (
    BLANK,
    COLON,
    CR,
    LF,
    SEMICOLON,
    G,
    M,
    N,
    T,
    ends_line,
    is_blank,
    is_digit,
    is_letter,
    letter_of,
    read_name,
    read_rest,
    skip_blanks,
    skip_line,
)
from farm.files.gcode.roles import Mark, Role
from farm.workers.kernels import kernel, part

TYPE, FEATURE = int(Mark.TYPE), int(Mark.FEATURE)
LAYER_CHANGE, LAYER = int(Mark.LAYER_CHANGE), int(Mark.LAYER)
MODEL = int(Role.MODEL)


@kernel
def read_piece(scans: Any, at: int, end: int, last: bool) -> int:
    """Read the whole lines in the text from `at` to `end`, behind which some more bytes have to lie.

    last: no more come; the printer stands still behind them. Returns how far it came: less than `end` when
    there are strokes to be handed on first.
    """
    scan = scans[0]
    motion, reader, text = scan.motion, scan.reader, scan.text
    while at < end and not are_full(scan):
        behind = _read_line(scan, text, at)
        if motion.halts or motion.queued > QUEUED - MOST_CHORDS:
            halts = motion.halts != 0
            plan(scan, halts)
            if halts:
                continue  # the printer stands now: the same line again
        reader.line += 1
        at = behind + 2 if text[behind] == CR and text[behind + 1] == LF else behind + 1
    if last:
        plan(scan, True)
    return at


@part
def _read_line(scan: Any, text: Any, at: int) -> int:
    """Returns where the line ends."""
    at = skip_blanks(text, at)
    letter = letter_of(text[at])
    if letter == N and is_digit(text[skip_blanks(text, at + 1)]):
        at = _skip_line_number(text, at)
        letter = letter_of(text[at])
    if letter == G or letter == M or letter == T:
        number = skip_blanks(text, at + 1)
        if is_digit(text[number]):
            return skip_line(text, read_command(scan, text, number, letter))
    if text[at] == SEMICOLON:
        at = _read_remark(scan, text, at + 1)
    elif is_letter(text[at]):
        at = read_named(scan, text, at)
    return skip_line(text, at)


@kernel
def _skip_line_number(text: Any, at: int) -> int:
    at = skip_blanks(text, at + 1)
    while is_digit(text[at]):
        at += 1
    return skip_blanks(text, at)


@kernel
def _read_remark(scan: Any, text: Any, at: int) -> int:
    """What the slicer says of the moves behind it."""
    name, at = read_name(text, skip_blanks(text, at))
    mark = _look_up(scan.marks, name, 0)
    changes = mark == LAYER_CHANGE and ends_line(text[skip_blanks(text, at)])
    if changes or (mark == LAYER and _numbers_a_layer(text, at)):
        scan.layers[MARKED].begun = 1
    elif (mark == TYPE and text[at] == COLON) or (mark == FEATURE and text[at] in (COLON, BLANK)):
        what, at = read_rest(text, at + 1)
        scan.reader.role = _look_up(scan.roles, what, MODEL)
        scan.reader.drawing = 0
        scan.found.named_roles += 1
    return at


@kernel
def _numbers_a_layer(text: Any, at: int) -> bool:
    """`:12` or `:-3` of Cura's, ` 12,` of Simplify3D's."""
    if text[at] == COLON:
        return is_digit(text[at + 1]) or is_digit(text[at + 2])
    if not is_blank(text[at]) or not is_digit(text[at + 1]):
        return False
    while is_digit(text[at + 1]):
        at += 1
    return bool(text[at + 1] == 44)


@kernel
def _look_up(table: Any, name: int, otherwise: int) -> int:
    for row in range(len(table)):
        if table[row, 0] == name:
            return int(table[row, 1])
    return otherwise
