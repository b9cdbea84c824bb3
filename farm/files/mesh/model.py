"""What every reader of models hands on: triangles, a block at a time, as often as somebody wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Triangles = Floats  # shape (n, 3, 3): triangle, corner, x y z; millimetres, C order

BLOCK = 16 * 1024  # triangles handed on at once: 1.2 MB, which the processor's cache still holds
MOST_CORNERS = 8_000_000  # of a file whose corners have to be kept: 190 MB
MOST_TRIANGLES = 16_000_000  # of such a file: 190 MB; and of all copies that a 3MF makes of its objects


@dataclass(frozen=True, slots=True)
class Model:
    """A file that was read, or that can be read as often as one likes.

    kind: "stl", "obj" or "3mf". unit: the one the file was written in; the triangles are millimetres.
    objects: that the file itself tells apart; None where it knows of none. blocks: begins anew each time.
    remarks: sentences about what was found on the way.
    """

    kind: str
    unit: str
    objects: int | None
    blocks: Callable[[], Iterator[Triangles]]
    remarks: tuple[str, ...] = ()


def gathered(corners: Floats, faces: NDArray[np.integer[Any]]) -> Iterator[Triangles]:
    """The triangles that `faces` (shape (n, 3), rows of `corners`) make of `corners` (shape (m, 3))."""
    for begin in range(0, len(faces), BLOCK):
        yield corners[faces[begin : begin + BLOCK]]
