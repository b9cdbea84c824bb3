"""From bytes to numbers and words, the way firmwares read them.

A letter begins a word, its number ends at whatever is no digit: blanks are not needed ("G1X10Y5"), and an "E"
is the extruder, never an exponent (Marlin and Klipper both read "X1E3" as X1 E3). Every buffer ends with the
end of a line and some bytes more, so that nothing here has to look for the end of the buffer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from farm.files.kernels import kernel

LF, CR, TAB, BLANK = 10, 13, 9, 32
SEMICOLON, STAR, OPENED, CLOSED, DOT, MINUS, PLUS, COLON, EQUALS = 59, 42, 40, 41, 46, 45, 43, 58, 61
ZERO, NINE = 48, 57
A, E, F, G, I, J, K, M, N, P, R, S, T, X, Y, Z = (ord(letter) - ord("A") for letter in "AEFGIJKMNPRSTXYZ")
LETTERS = 26

LARGEST = 1e8
"""More than any word of a real file says: an axis in mm, a feed rate in mm/min, a wait in ms."""

LONGEST_COMMAND = 4096
"""Bytes of a line that are read as a command. Marlin takes 96, RepRapFirmware 256; macros are longer."""

_MOST_DIGITS = 10**17
_TENTHS = np.array([10.0**power for power in range(19)])
_FNV_START, _FNV_TIMES = 0x811C9DC5, 0x01000193


def hash_of(name: str) -> int:
    """What `read_name` makes of a name. (FNV-1a in 32 bits, letters in capitals.)"""
    value = _FNV_START
    for letter in name.upper().encode():
        value = ((value ^ letter) * _FNV_TIMES) & 0xFFFFFFFF
    return value


@kernel
def ends_line(byte: int) -> bool:
    return byte == LF or byte == CR


@kernel
def is_blank(byte: int) -> bool:
    return byte == BLANK or byte == TAB


@kernel
def is_digit(byte: int) -> bool:
    return ZERO <= byte <= NINE


@kernel
def letter_of(byte: int) -> int:
    """0 for A to 25 for Z, capital or not; anything else for what is no letter."""
    return (byte | 32) - 97


@kernel
def is_letter(byte: int) -> bool:
    return 0 <= letter_of(byte) < LETTERS


@kernel
def skip_blanks(text: Any, at: int) -> int:
    while is_blank(text[at]):
        at += 1
    return at


@kernel
def skip_line(text: Any, at: int) -> int:
    """To the byte that ends the line."""
    while not ends_line(text[at]):
        at += 1
    return at


@kernel
def skip_remark(text: Any, at: int) -> int:
    """Behind a remark in brackets, or to the end of the line."""
    while text[at] != CLOSED and not ends_line(text[at]):
        at += 1
    return at + 1 if text[at] == CLOSED else at


@kernel
def begins_number(byte: int) -> bool:
    return is_digit(byte) or byte == DOT or byte == MINUS or byte == PLUS


@kernel
def may_follow_number(byte: int) -> bool:
    return (
        is_blank(byte)
        or ends_line(byte)
        or is_letter(byte)
        or byte == SEMICOLON
        or byte == STAR
        or byte == OPENED
    )


@kernel
def read_number(text: Any, at: int) -> tuple[float, int, bool]:
    """The number, where it ends, and whether it is one. What is none is skipped to the next blank or word."""
    negative = text[at] == MINUS
    if negative or text[at] == PLUS:
        at += 1
    whole, behind, digits, digit = 0, 0, 0, text[at]
    while ZERO <= digit <= NINE:
        if whole < _MOST_DIGITS:
            whole = whole * 10 + (digit - ZERO)
        digits += 1
        at += 1
        digit = text[at]
    too_large = whole >= _MOST_DIGITS
    if digit == DOT:
        at += 1
        digit = text[at]
        while ZERO <= digit <= NINE:
            if whole < _MOST_DIGITS:
                whole = whole * 10 + (digit - ZERO)
                behind += 1
            digits += 1
            at += 1
            digit = text[at]
    value = whole / _TENTHS[behind]
    good = digits > 0 and may_follow_number(digit) and value <= LARGEST and not too_large
    while not may_follow_number(text[at]):
        at += 1
    return (-value if negative else value), at, good


@kernel
def read_name(text: Any, at: int) -> tuple[int, int]:
    """The hash of a name (letters, digits and _), and where it ends."""
    value = _FNV_START
    while is_letter(text[at]) or is_digit(text[at]) or text[at] == 95:
        byte = text[at] - 32 if 97 <= text[at] <= 122 else text[at]
        value = ((value ^ byte) * _FNV_TIMES) & 0xFFFFFFFF
        at += 1
    return value, at


@kernel
def read_rest(text: Any, at: int) -> tuple[int, int]:
    """The hash of the rest of the line without the blanks at its ends, and where that ends."""
    value, before = _FNV_START, 0  # before: blanks that count if anything comes behind them
    at = skip_blanks(text, at)
    while not ends_line(text[at]):
        if is_blank(text[at]):
            before += 1
        else:
            while before > 0:
                value = ((value ^ BLANK) * _FNV_TIMES) & 0xFFFFFFFF
                before -= 1
            byte = text[at] - 32 if 97 <= text[at] <= 122 else text[at]
            value = ((value ^ byte) * _FNV_TIMES) & 0xFFFFFFFF
        at += 1
    return value, at


@kernel
def read_words(text: Any, at: int, words: Any) -> tuple[int, int, int, int]:
    """The words of a command, into `words`: one number for each letter.

    Returns where they end, the letters with a number and those that stand alone (a bit for each), and how
    many could not be read.
    """
    limit = at + LONGEST_COMMAND
    numbered, alone, unread = 0, 0, 0
    while True:
        byte = text[at]
        if byte == BLANK or byte == TAB:
            at += 1
            continue
        letter = letter_of(byte)
        if 0 <= letter < LETTERS:
            at = skip_blanks(text, at + 1)
            if begins_number(text[at]):
                value, at, good = read_number(text, at)
                if good:
                    words[letter] = value
                    numbered |= 1 << letter
                else:
                    unread += 1
            else:
                alone |= 1 << letter
        elif ends_line(byte) or byte == SEMICOLON or byte == STAR:
            break
        elif byte == OPENED:
            at = skip_remark(text, at)
        else:
            unread += 1
            at += 1
        if at > limit:
            unread += 1
            break
    return at, numbered, alone, unread
