"""Draws triangles into a canvas with a depth buffer: two million of them in a tenth of a second."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np

from farm.files.mesh.measure import is_whole
from farm.files.mesh.model import Triangles
from farm.files.pictures.canvas import AXES, Canvas, Colours, Depths, Floats, clipped, light_on, shaded
from farm.files.pictures.thumbnails import Picture
from farm.workers.kernels import kernel

COLOUR = np.array([226.0, 132.0, 54.0])  # of filament: dark enough for white pages, light enough for black
SAMPLES = 3  # points of a pixel, each way
MOST_POINTS = 2_000_000_000  # drawn for one picture, some seconds; a model of 100 MB takes 10 million
EDGE = 1e-7  # of a triangle: what rounding may leave between two that share an edge


def draw_model(blocks: Callable[[], Iterable[Triangles]]) -> Picture | None:
    """The model as a picture. Both sides of a triangle look the same, so one that is inside out is seen too.

    blocks: is gone through twice, the first time for the frame. None when there is nothing to be seen, or
    when drawing takes longer than a model of any use does.
    """
    extent = np.array([[math.inf] * 3, [-math.inf] * 3])
    for block in blocks():
        _frame(block, AXES, extent)
    if not np.isfinite(extent).all():
        return None
    canvas, left = Canvas.around(extent[0], extent[1], SAMPLES), MOST_POINTS
    for block in blocks():
        left = _draw(block, AXES, canvas.scale, canvas.offset, canvas.depth, canvas.colours, COLOUR, left)
        if left < 0:
            return None
    return canvas.picture()


@kernel
def _frame(triangles: Triangles, axes: Floats, extent: Floats) -> None:
    """Widens extent (low and high, as seen) by the corners of whole triangles."""
    for row in range(triangles.shape[0]):
        if not is_whole(triangles, row):
            continue
        for corner in range(3):
            for axis in range(3):
                value = _seen(triangles, row, corner, axes, axis)
                extent[0, axis] = min(extent[0, axis], value)
                extent[1, axis] = max(extent[1, axis], value)


@kernel
def _seen(triangles: Triangles, row: int, corner: int, axes: Floats, axis: int) -> float:
    right, back, up = triangles[row, corner, 0], triangles[row, corner, 1], triangles[row, corner, 2]
    return float(right * axes[axis, 0] + back * axes[axis, 1] + up * axes[axis, 2])


@kernel
def _draw(
    triangles: Triangles,
    axes: Floats,
    scale: float,
    offset: Floats,
    depth: Depths,
    colours: Colours,
    colour: Floats,
    left: int,
) -> int:
    """left: how many points may still be drawn. Returns what is left of them; negative: it stopped."""
    at = np.empty((3, 3))  # corners in points: right, up, to the eye
    for row in range(triangles.shape[0]):
        if not is_whole(triangles, row):
            continue
        for corner in range(3):
            for axis in range(3):
                at[corner, axis] = _seen(triangles, row, corner, axes, axis) * scale + offset[axis]
        left -= _fill(at, depth, colours, colour)
        if left < 0:
            break
    return left


@kernel
def _fill(at: Floats, depth: Depths, colours: Colours, colour: Floats) -> int:
    """One triangle, row by row. Returns how many points it looked at."""
    ax, ay, az = at[0, 0], at[0, 1], at[0, 2]
    ux, uy, uz = at[1, 0] - ax, at[1, 1] - ay, at[1, 2] - az
    vx, vy, vz = at[2, 0] - ax, at[2, 1] - ay, at[2, 2] - az
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    length = math.sqrt(nx * nx + ny * ny + nz * nz)
    if nz == 0.0 or not length < math.inf:
        return 1  # seen from its edge
    rows, columns = depth.shape
    top = min(rows - 1.0, math.floor(max(ay, ay + uy, ay + vy) - 0.5))
    bottom = max(0.0, math.ceil(min(ay, ay + uy, ay + vy) - 0.5))
    if bottom > top:
        return 1
    unit = math.copysign(1.0 / length, nz)  # turns the normal to the eye
    light = light_on(nx * unit, ny * unit, nz * unit)
    shade = shaded(colour, light)
    looked = 1
    for y in range(int(bottom), int(top) + 1):
        py = y + 0.5 - ay
        # A point is a + u * along_u + v * along_v, and inside when neither is negative, nor 1 less both.
        base_u, slope_u = -py * vx / nz, vy / nz
        base_v, slope_v = py * ux / nz, -uy / nz
        begin, end = clipped(0.5 - ax, columns - 0.5 - ax, slope_u, base_u + EDGE)
        begin, end = clipped(begin, end, slope_v, base_v + EDGE)
        begin, end = clipped(begin, end, -slope_u - slope_v, 1.0 - base_u - base_v + EDGE)
        if begin > end:
            continue
        first, last = max(0.0, math.ceil(begin + ax - 0.5)), min(columns - 1.0, math.floor(end + ax - 0.5))
        for x in range(int(first), int(last) + 1):
            px = x + 0.5 - ax
            near = az + (base_u + slope_u * px) * uz + (base_v + slope_v * px) * vz
            looked += 1
            if near > depth[y, x]:
                depth[y, x] = near
                colours[y, x] = shade
    return looked
