"""From bytes to numbers and words, the way firmwares read them.

A letter begins a word, its number ends at whatever is no digit: blanks are not needed ("G1X10Y5"), and an "E"
is the extruder, never an exponent (Marlin and Klipper both read "X1E3" as X1 E3). Every buffer ends with the
end of a line and some bytes more, so that nothing here has to look for the end of the buffer.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from farm.workers.kernels import kernel, part

LF, CR, TAB, BLANK = 10, 13, 9, 32
SEMICOLON, STAR, OPENED, CLOSED, DOT, MINUS, PLUS, COLON, EQUALS = 59, 42, 40, 41, 46, 45, 43, 58, 61
ZERO, NINE = 48, 57
A, E, F, G, I, J, K, M, N, P, R, S, T, X, Y, Z = (ord(letter) - ord("A") for letter in "AEFGIJKMNPRSTXYZ")
LETTERS = 26

LARGEST = 1e8
"""More than any word of a real file says: an axis in mm, a feed rate in mm/min, a wait in ms."""

LONGEST_COMMAND = 4096
"""Bytes of a line that are read as a command. Marlin takes 96, RepRapFirmware 256; macros are longer."""

_TENTHS = np.array([10.0**-power for power in range(9)])

# Places are unsigned where it is hot, so that nobody asks whether one is negative; and so is all that is done
# to eight bytes at once, because shifts of signed numbers drag their sign along.
_U: Any = np.uint64
_0, _1, _4, _7, _8, _16, _32, _56 = (_U(n) for n in (0, 1, 4, 7, 8, 16, 32, 56))
_10, _100, _10_000 = _U(10), _U(100), _U(10_000)
_EACH_0 = _U(0x3030303030303030)  # "0" in each of eight bytes, and so on
_EACH_LOW = _U(0x7F7F7F7F7F7F7F7F)
_EACH_HIGH = _U(0x8080808080808080)
_EACH_PAST_9 = _U(0x7676767676767676)  # what makes 10 a high bit
_EACH_1 = _U(0x0101010101010101)
_PAIRS, _FOURS, _EIGHTS = _U(0x00FF00FF00FF00FF), _U(0x0000FFFF0000FFFF), _U(0xFFFFFFFF)

_FNV_START, _FNV_TIMES = 0x811C9DC5, 0x01000193


def hash_of(name: str) -> int:
    """What `read_name` makes of a name. (FNV-1a in 32 bits, letters in capitals.)"""
    value = _FNV_START
    for letter in name.upper().encode():
        value = ((value ^ letter) * _FNV_TIMES) & 0xFFFFFFFF
    return value


_IS_LETTER, _IS_DIGIT, _IS_BLANK, _ENDS_LINE, _BEGINS_NUMBER, _ENDS_NUMBER = 1, 2, 4, 8, 16, 32


def _kind_of(byte: int) -> int:
    letter = chr(byte).isalpha() and byte < 128
    digit, blank, end = chr(byte) in "0123456789", byte in (BLANK, TAB), byte in (LF, CR)
    begins_number = digit or byte in (DOT, MINUS, PLUS)
    ends_number = letter or blank or end or byte in (SEMICOLON, STAR, OPENED)
    kinds = (letter, digit, blank, end, begins_number, ends_number)
    return sum(1 << place for place, is_one in enumerate(kinds) if is_one)


_KINDS = np.array([_kind_of(byte) for byte in range(256)], np.uint8)


@kernel
def ends_line(byte: int) -> bool:
    return bool(_KINDS[byte] & _ENDS_LINE)


@kernel
def is_blank(byte: int) -> bool:
    return bool(_KINDS[byte] & _IS_BLANK)


@kernel
def is_digit(byte: int) -> bool:
    return bool(_KINDS[byte] & _IS_DIGIT)


@kernel
def letter_of(byte: int) -> int:
    """0 for A to 25 for Z, capital or not; anything else for what is no letter."""
    return (byte | 32) - 97


@kernel
def is_letter(byte: int) -> bool:
    return bool(_KINDS[byte] & _IS_LETTER)


@kernel
def begins_number(byte: int) -> bool:
    return bool(_KINDS[byte] & _BEGINS_NUMBER)


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


@part
def read_number(text: Any, at: int) -> tuple[float, int, bool]:
    """The number, where it ends, and whether it is one. What is none is skipped to the next blank or word."""
    place = _U(at)
    negative = text[place] == MINUS
    if negative or text[place] == PLUS:
        place += _1
    begin = place
    whole, digits = _read_digits(text, place)
    place += digits
    value = float(whole)
    if text[place] == DOT:
        place += _1
        parts, behind = _read_digits(text, place)
        value += parts * _TENTHS[behind]
        digits += behind
        place += behind
    if is_digit(text[place]):  # eight of them, and more
        value, place = _read_long_number(text, begin)
    good: Any = digits > _0 and value <= LARGEST and _KINDS[text[place]] & _ENDS_NUMBER != 0
    while not _KINDS[text[place]] & _ENDS_NUMBER:
        place += _1
    end: Any = np.int64(place)
    return (-value if negative else value), end, good


@part
def _read_digits(text: Any, place: Any) -> tuple[Any, Any]:
    """Up to eight digits at once: their value and how many they are.

    How many digits a number has is a surprise each time, and a processor that has guessed wrong loses more
    than all this takes. The digits are moved to the end of the eight bytes, with zeros in front, and then
    neighbours put together: eight of them to four pairs, two fours, one eight.
    """
    eight = _0
    for byte in range(8):
        eight |= _U(text[place + _U(byte)]) << _U(8 * byte)
    eight ^= _EACH_0
    others = (((eight & _EACH_LOW) + _EACH_PAST_9) | eight) & _EACH_HIGH
    first = others >> _7
    before = (first & (~first + _1)) - _1  # all bits below the first byte that is no digit
    digits = ((before & _EACH_1) * _EACH_1) >> _56
    half = (_8 - digits) * _4
    eight = (eight << half) << half
    eight = (eight * _10 + (eight >> _8)) & _PAIRS
    eight = (eight * _100 + (eight >> _16)) & _FOURS
    eight = (eight * _10_000 + (eight >> _32)) & _EIGHTS
    return eight, digits


@kernel
def _read_long_number(text: Any, place: Any) -> tuple[float, Any]:
    """The same digit by digit, for numbers that have more of them."""
    value, tenth = 0.0, 0.0
    while is_digit(text[place]) or (text[place] == DOT and tenth == 0):
        if text[place] == DOT:
            tenth = 1.0
        else:
            value = value * 10 + (text[place] - ZERO)
            tenth *= 10
        place += _1
    return value / max(tenth, 1.0), place


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


@part
def read_words(text: Any, at: int, words: Any) -> tuple[int, int, int, int]:
    """The words of a command, into `words`: one number for each letter.

    Returns where they end, the letters with a number and those that stand alone (a bit for each), and how
    many could not be read.
    """
    limit = at + LONGEST_COMMAND
    numbered, alone, unread = 0, 0, 0
    while at <= limit:
        at = skip_blanks(text, at)
        byte = text[at]
        if is_letter(byte):
            letter = letter_of(byte)
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
            return at, numbered, alone, unread
        elif byte == OPENED:
            at = skip_remark(text, at)
        else:
            unread += 1
            at += 1
    return at, numbered, alone, unread + 1
