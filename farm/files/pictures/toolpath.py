"""Draws what a printer draws: each move that extrudes as a rounded line of filament.

The moves are drawn as they are read, a piece of the file at a time: nothing of them is kept. Where they
will lie is known before, from the box that reading the file for its numbers has found.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from farm.domain.analysis import Box
from farm.files.kernels import kernel
from farm.files.pictures.canvas import AXES, SAMPLES, Canvas, Colours, Depths, Floats, clipped, light_on
from farm.files.pictures.thumbnails import Picture

LINE_MM = 0.45  # as wide as a line of a 0.4 mm nozzle usually is
THINNEST = 0.6 * SAMPLES  # points: thinner, the lines of a large print would leave gaps
MOST_POINTS = 2_000_000_000  # drawn for one picture, some seconds; 40 MB of G-code take 50 million

Ends = Floats  # shape (n, 6): from x y z to x y z of each move, millimetres
Kinds = NDArray[np.uint8]  # shape (n,): rows of the colours


class ToolpathPicture:
    """A picture of moves.

    box: what is to be seen; moves outside it are cut off. colours: shape (kinds, 3), of each kind of move,
    red green blue from 0 to 255; NaN for those that are left out.
    """

    def __init__(self, box: Box, colours: Floats) -> None:
        low, high = (np.array([edge[end] for edge in (box.x, box.y, box.z)]) for end in (0, 1))
        self._canvas = Canvas.around_box(low - LINE_MM / 2, high + LINE_MM / 2)
        self._colours = colours
        self._left = MOST_POINTS

    def draw(self, ends: Ends, kinds: Kinds) -> None:
        """Moves of the file, in any order and number."""
        canvas = self._canvas
        if self._left > 0:
            radius = max(LINE_MM * canvas.scale, THINNEST) / 2
            self._left = _draw(
                ends,
                kinds,
                AXES,
                canvas.scale,
                canvas.offset,
                radius,
                canvas.depth,
                canvas.colours,
                self._colours,
                self._left,
            )

    def picture(self) -> Picture | None:
        """None when there is nothing to be seen, or when drawing took longer than a print of any use does."""
        if self._left <= 0 or not np.isfinite(self._canvas.depth).any():
            return None
        return self._canvas.picture()


@kernel
def _draw(
    ends: Ends,
    kinds: Kinds,
    axes: Floats,
    scale: float,
    offset: Floats,
    radius: float,
    depth: Depths,
    colours: Colours,
    palette: Floats,
    left: int,
) -> int:
    """left: how many points may still be drawn. Returns what is left of them."""
    at = np.empty((2, 3))  # both ends in points: right, up, to the eye
    for row in range(ends.shape[0]):
        if kinds[row] >= palette.shape[0] or math.isnan(palette[kinds[row], 0]):
            continue
        whole = True
        for end in range(2):
            for axis in range(3):
                value = offset[axis]
                for part in range(3):
                    value += axes[axis, part] * ends[row, 3 * end + part] * scale
                at[end, axis] = value
                whole &= abs(value) < 1e9
        if whole:
            left -= _fill(at, radius, depth, colours, palette[kinds[row]])
        if left <= 0:
            break
    return left


@kernel
def _fill(at: Floats, radius: float, depth: Depths, colours: Colours, colour: Floats) -> int:
    """One move as a rod with round ends, row by row. Returns how many points it looked at."""
    ax, ay, az = at[0, 0], at[0, 1], at[0, 2]
    ux, uy, uz = at[1, 0] - ax, at[1, 1] - ay, at[1, 2] - az
    rows, columns = depth.shape
    bottom, top = (
        max(0.0, math.ceil(min(ay, ay + uy) - radius - 0.5)),
        min(rows - 1.0, math.floor(max(ay, ay + uy) + radius - 0.5)),
    )
    flat = math.sqrt(ux * ux + uy * uy)  # its length as seen
    length = math.sqrt(flat * flat + uz * uz)
    if flat > 1e-9:
        along_x, along_y = ux / flat, uy / flat
        # the direction that is square to the move and nearest to the eye
        rise_flat, rise_eye = -uz / length, flat / length
    else:  # towards the eye, or no length at all: a dot
        along_x, along_y, rise_flat, rise_eye = 1.0, 0.0, 0.0, 1.0
    looked = 1
    for y in range(int(bottom), int(top) + 1):
        py = y + 0.5 - ay
        # along: points from the first end, aside: from the middle line; both grow evenly within a row
        begin, end = clipped(0.5 - ax, columns - 0.5 - ax, along_x, py * along_y + radius)
        begin, end = clipped(begin, end, -along_x, flat + radius - py * along_y)
        begin, end = clipped(begin, end, -along_y, py * along_x + radius)
        begin, end = clipped(begin, end, along_y, radius - py * along_x)
        if begin > end:
            continue
        first, last = max(0.0, math.ceil(begin + ax - 0.5)), min(columns - 1.0, math.floor(end + ax - 0.5))
        for x in range(int(first), int(last) + 1):
            px = x + 0.5 - ax
            along, aside = px * along_x + py * along_y, (py * along_x - px * along_y) / radius
            beyond = max(-along, along - flat, 0.0) / radius
            looked += 1
            left = 1.0 - aside * aside - beyond * beyond
            if left < 0.0:
                continue
            up = math.sqrt(left)
            share = min(max(along / flat, 0.0), 1.0) if flat > 1e-9 else 0.0
            near = az + share * uz + up * radius
            if near > depth[y, x]:
                depth[y, x] = near
                light = light_on(
                    up * rise_flat * along_x - aside * along_y,
                    up * rise_flat * along_y + aside * along_x,
                    up * rise_eye,
                )
                for part in range(3):
                    colours[y, x, part] = np.uint8(colour[part] * light)
    return looked
