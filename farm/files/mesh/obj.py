"""OBJ (Wavefront, 1992): corners, and faces that name them. Colours, normals and curves are not looked at."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from farm.errors import Invalid
from farm.files.mesh.model import MOST_CORNERS, MOST_TRIANGLES, Model, gathered
from farm.files.mesh.text import SHORTEST_CORNER, SHORTEST_INDEX, corners_and_faces, lines


def read_obj(path: Path) -> Model:
    """Raises Invalid when no face is left of it, and OSError."""
    corners = Rows(np.float64, MOST_CORNERS)
    faces = Rows(np.int32, MOST_TRIANGLES)
    for text in lines(path):
        new = np.empty((len(text) // SHORTEST_CORNER + 1, 3))
        between = np.empty((len(text) // SHORTEST_INDEX + 1, 3), np.int32)
        count, triangles = corners_and_faces(text, len(corners), new, between)
        corners.add(new[:count])
        faces.add(between[:triangles])
    named = faces.rows
    good = (named.min(axis=1, initial=0) >= 0) & (named.max(axis=1, initial=0) < len(corners))
    bad = len(named) - int(np.count_nonzero(good))
    if bad == len(named):
        raise Invalid(_nothing(len(corners), bad))
    remarks = (f"{bad:,} faces name corners that are not there, and were left out.",) if bad else ()
    kept = named[good] if bad else named
    return Model("obj", "mm", None, functools.partial(gathered, corners.rows, kept), remarks)


class Rows:
    """Rows of three numbers, more and more of them, in one piece of memory."""

    def __init__(self, kind: type[np.generic], most: int) -> None:
        self._kept: NDArray[Any] = np.empty((1024, 3), kind)
        self._most = most
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def rows(self) -> NDArray[Any]:
        """Shape (n, 3)."""
        return self._kept[: self._count]

    def add(self, rows: NDArray[Any]) -> None:
        """Raises Invalid beyond what the farm takes."""
        needed = self._count + len(rows)
        if needed > self._most:
            raise Invalid(
                f"this model has more than {self._most // 1_000_000} million corners or faces; simplify it"
            )
        if needed > len(self._kept):
            self._kept.resize(
                (needed * 3 // 2, 3), refcheck=False
            )  # moves no bytes where it can grow in place
        self._kept[self._count : needed] = rows
        self._count = needed


def _nothing(corners: int, faces: int) -> str:
    if faces:
        return f"no face of this OBJ names three of its {corners:,} corners; export it again"
    return "this OBJ has no faces, so there is nothing to print; export it again"
