"""A stream of what is unpacked piece by piece, so that little of it is in memory at a time."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

BUFFER = 1024 * 1024  # bytes


class _Raw(io.RawIOBase):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, target: memoryview) -> int:  # type: ignore[override] # typeshed: any buffer
        while not self._left:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._left = memoryview(piece)
        size = min(len(target), len(self._left))
        target[:size] = self._left[:size]
        self._left = self._left[size:]
        return size


def stream_of(pieces: Iterator[bytes]) -> BinaryIO:
    """The pieces one after the other. Reading raises whatever making them does."""
    return io.BufferedReader(_Raw(pieces), BUFFER)
