"""MeatPack: two characters of G-code in a byte, for the fifteen that make up nearly all of it.

After its author's description (Scott Mudge, github.com/scottmudge/OctoPrint-MeatPack): a byte holds its
first character in the lower half and the second in the upper; 15 there means that the character itself
follows. Two bytes 255 announce a command. While packing is off the text stands as it is: the variant of
binary G-code that keeps comments writes them so.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from farm.workers.kernels import kernel

SIGNAL = 255
ON, OFF, RESET, NO_SPACES, SPACES = 251, 250, 249, 247, 246  # commands; 248 asks a printer for its settings
MOST_GROWTH = 4  # characters of text from a byte: two, with a space before each

_ITSELF = 15
_SPACE = 11  # E instead, where spaces are left out
_NEWLINE, _BLANK, _E, _G, _A, _Z = b"\n EGAZ"
_CHARACTERS = np.frombuffer(b"0123456789. \nGX\0", np.uint8)


def unpack(packed: bytes) -> bytes:
    """The text of a block. A character that is cut off at the end is left out.

    Moves are packed without their spaces, which are put back, and lines that are empty not at all.
    """
    source = np.frombuffer(packed, np.uint8)
    target = np.empty(MOST_GROWTH * len(source), np.uint8)
    return target[: _unpack(source, target)].tobytes()


@kernel
def _unpack(source: NDArray[np.uint8], target: NDArray[np.uint8]) -> int:
    """How much of `target` was filled."""
    on = no_spaces = in_move = False
    at = filled = 0
    while at < len(source):
        byte = int(source[at])
        at += 1
        if byte == SIGNAL and at + 1 < len(source) and source[at] == SIGNAL:
            command = source[at + 1]
            at += 2
            if command in (ON, OFF, RESET):
                on = command == ON
            elif command in (NO_SPACES, SPACES):
                no_spaces = command == NO_SPACES
            continue
        for shift in (0, 4):
            half = (byte >> shift) & 15
            if not on:
                character = byte
            elif half == _SPACE and no_spaces:
                character = _E
            elif half != _ITSELF:
                character = int(_CHARACTERS[half])
            elif at < len(source):
                character = int(source[at])
                at += 1
            else:
                break
            begins = filled == 0 or target[filled - 1] == _NEWLINE
            if begins:
                in_move = character == _G
            elif in_move and _A <= character <= _Z and target[filled - 1] != _BLANK:
                target[filled] = _BLANK
                filled += 1
            if character != _NEWLINE or not begins:
                target[filled] = character
                filled += 1
            if not on or (character == _NEWLINE and half != _ITSELF):
                break  # a line of an odd length is filled up
    return filled
