"""How many pieces of a model hang together: its triangles are joined at the corners they share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from farm.workers.kernels import kernel

Bits = NDArray[np.uint64]
Slots = NDArray[np.int32]

SMALLEST = 2**16  # slots of the table
LARGEST = 2**22  # slots: 50 MB, enough for 2.9 million corners, some 6 million triangles
FULLEST = 0.7  # of the slots; beyond it every look takes long


class Bodies:
    """A table of corners by name (see measure.py), grown as it fills; each points to another of its piece.

    Disjoint sets with halved paths (Tarjan & van Leeuwen 1984).
    """

    def __init__(self) -> None:
        self._names, self._next = _empty(SMALLEST)
        self._used = 0
        self._gave_up = False

    def add(self, names: Bits) -> None:
        """Join the corners of each triangle; names: shape (n, 3)."""
        while not self._gave_up and self._used + names.size > FULLEST * len(self._names):
            self._grow()
        if not self._gave_up:
            self._used += _join(names, self._names, self._next)

    @property
    def count(self) -> int | None:
        """Pieces so far; None when there were more corners than the table takes."""
        if self._gave_up:
            return None
        own = np.arange(len(self._next), dtype=self._next.dtype)
        return int(np.count_nonzero((self._next == own) & (self._names != 0)))

    def _grow(self) -> None:
        if len(self._names) == LARGEST:
            self._gave_up = True
            self._names, self._next = _empty(1)
            return
        names, following = _empty(2 * len(self._names))
        _move(self._names, self._next, names, following)
        self._names, self._next = names, following


def _empty(slots: int) -> tuple[Bits, Slots]:
    return np.zeros(slots, np.uint64), np.zeros(slots, np.int32)


@kernel
def _slot(name: np.uint64, names: Bits) -> int:
    """Where `name` is in the table, or the empty slot for it. 0 marks an empty one, so no name may be 0."""
    at = int(np.int64(name & np.uint64(len(names) - 1)))
    while names[at] != 0 and names[at] != name:
        at = (at + 1) & (len(names) - 1)
    return at


@kernel
def _first(at: int, following: Slots) -> int:
    """The corner that stands for the piece that corner `at` belongs to."""
    while following[at] != at:
        following[at] = following[following[at]]
        at = following[at]
    return at


@kernel
def _join(triangles: Bits, names: Bits, following: Slots) -> int:
    """Returns how many corners are new."""
    new = 0
    for row in range(triangles.shape[0]):
        piece = 0
        for corner in range(3):
            name = max(triangles[row, corner], np.uint64(1))
            at = _slot(name, names)
            if names[at] == 0:
                names[at], following[at] = name, at
                new += 1
            other = _first(at, following)
            if corner == 0:
                piece = other
            else:
                following[other] = piece
    return new


@kernel
def _move(names: Bits, following: Slots, new_names: Bits, new_following: Slots) -> None:
    """Into a table twice as large, every corner at once below the first of its piece."""
    for at in range(len(names)):
        if names[at] != 0:
            slot = _slot(names[at], new_names)
            new_names[slot] = names[at]
            first = names[_first(at, following)]
            head = _slot(first, new_names)
            new_names[head] = first
            new_following[slot] = head
