"""How large a model is and whether its surface is closed, in one pass that keeps nothing.

A surface is closed when every edge belongs to an even number of triangles, and in order when each edge is
walked as often one way as the other. Both are seen without a list of edges: each edge is turned into 64
well-mixed bits, and what cancels out leaves zero. That something open does not show has a chance of 1 in
2^64. Corners are the same when their numbers are; so they are in what slicers and CAD programs write.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from farm.files.mesh.bodies import Bodies
from farm.files.mesh.model import Floats, Triangles
from farm.workers.kernels import kernel

Bits = NDArray[np.uint64]

FARTHEST = 1e9  # mm from the origin: a thousand kilometres

_LOW, _HIGH = 0, 1
_VOLUME, _WALLS, _LEVEL = 0, 1, 2
_USED, _DAMAGED, _FLAT = 0, 1, 2
_ODD, _UNBALANCED = 0, 1


@dataclass(frozen=True, slots=True)
class Measures:
    """What the triangles come to.

    triangles: all of the file. damaged: of them without finite corners, left out of everything else.
    flat: of them without area. low, high: the box, x y z in mm. volume_mm3: negative when the surface is
    inside out; of an open one it is as if seen from the middle of the box. walls_mm2, level_mm2: the area
    as seen from the side and from above (a triangle's area by its slope), overhangs and cavities too.
    bodies: pieces that hang together; None where they are too many corners to tell.
    """

    triangles: int
    damaged: int
    flat: int
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    volume_mm3: float
    walls_mm2: float
    level_mm2: float
    is_closed: bool
    is_in_order: bool
    bodies: int | None

    @property
    def size_mm(self) -> tuple[float, float, float]:
        """The edges of the box."""
        return (self.high[0] - self.low[0], self.high[1] - self.low[1], self.high[2] - self.low[2])


def measure(blocks: Iterable[Triangles]) -> Measures | None:
    """None when there is not one triangle with an area."""
    box = np.array([[math.inf] * 3, [-math.inf] * 3])
    sums = np.zeros(3)
    across = np.zeros(3)
    counts = np.zeros(3, np.int64)
    marks = np.zeros(2, np.uint64)
    origin = np.full(3, math.nan)
    bodies = Bodies()
    total = 0
    for block in blocks:
        total += len(block)
        names = np.empty((len(block), 3), np.uint64)
        used = _measure(block, block.view(np.uint64), origin, box, sums, across, counts, marks, names)
        bodies.add(names[:used])
    if counts[_USED] == counts[_FLAT]:
        return None
    middle = (box[_LOW] + box[_HIGH]) / 2 - origin
    return Measures(
        triangles=total,
        damaged=int(counts[_DAMAGED]),
        flat=int(counts[_FLAT]),
        low=_three(box[_LOW]),
        high=_three(box[_HIGH]),
        volume_mm3=float(sums[_VOLUME] - middle @ across) / 3,
        walls_mm2=float(sums[_WALLS]),
        level_mm2=float(sums[_LEVEL]),
        is_closed=not marks[_ODD],
        is_in_order=not marks[_UNBALANCED],
        bodies=bodies.count,
    )


def _three(values: Floats) -> tuple[float, float, float]:
    return (float(values[0]), float(values[1]), float(values[2]))


@kernel
def is_whole(triangles: Triangles, row: int) -> bool:
    """Whether a triangle's corners are numbers, and none that would come to infinity when multiplied."""
    for corner in range(3):
        for axis in range(3):
            if not abs(triangles[row, corner, axis]) < FARTHEST:
                return False
    return True


@kernel
def _measure(
    triangles: Triangles,
    bits: Bits,
    origin: Floats,
    box: Floats,
    sums: Floats,
    across: Floats,
    counts: NDArray[np.int64],
    marks: Bits,
    names: Bits,
) -> int:
    """Adds a block to the running values; returns how many rows of `names` it wrote: those of its corners.

    bits: the same memory as `triangles`. origin: set by the first good corner; volumes are reckoned from
    there, where numbers are small. across: the sum of the triangles' areas as vectors; of an open surface it
    tells how the volume changes with the point it is reckoned from.
    """
    used = 0
    for row in range(triangles.shape[0]):
        if not is_whole(triangles, row):
            counts[_DAMAGED] += 1
            continue
        if math.isnan(origin[0]):
            for axis in range(3):
                origin[axis] = triangles[row, 0, axis]
        for corner in range(3):
            name = np.uint64(0)
            for axis in range(3):
                value = triangles[row, corner, axis]
                box[_LOW, axis] = min(box[_LOW, axis], value)
                box[_HIGH, axis] = max(box[_HIGH, axis], value)
                same = bits[row, corner, axis] if value != 0.0 else np.uint64(0)  # -0.0 is the same place
                name = _mixed(name ^ same)
            names[used, corner] = name
        ax, ay, az = triangles[row, 0, 0], triangles[row, 0, 1], triangles[row, 0, 2]
        ux, uy, uz = triangles[row, 1, 0] - ax, triangles[row, 1, 1] - ay, triangles[row, 1, 2] - az
        vx, vy, vz = triangles[row, 2, 0] - ax, triangles[row, 2, 1] - ay, triangles[row, 2, 2] - az
        nx, ny, nz = (uy * vz - uz * vy) / 2, (uz * vx - ux * vz) / 2, (ux * vy - uy * vx) / 2
        across[0] += nx
        across[1] += ny
        across[2] += nz
        sums[_VOLUME] += (ax - origin[0]) * nx + (ay - origin[1]) * ny + (az - origin[2]) * nz
        sums[_WALLS] += math.sqrt(nx * nx + ny * ny)
        sums[_LEVEL] += abs(nz)
        counts[_USED] += 1
        counts[_FLAT] += nx == 0.0 and ny == 0.0 and nz == 0.0
        for corner in range(3):
            here, there = names[used, corner], names[used, (corner + 1) % 3]
            if here != there:
                marks[_ODD] ^= _mixed(here + there)
                marks[_UNBALANCED] += _mixed(here + _mixed(there)) - _mixed(there + _mixed(here))
        used += 1
    return used


@kernel
def _mixed(value: np.uint64) -> np.uint64:
    """Each bit of the answer depends on each of `value` (splitmix64: Steele, Lea & Flood 2014)."""
    value = value + np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
