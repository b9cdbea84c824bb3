"""Draws what a printer draws: each move that extrudes as a rounded line of filament.

The moves are drawn as they are read, a piece of the file at a time: nothing of them is kept. Where they
will lie is known before, from the box that reading the file for its numbers has found.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from farm.domain.analysis import Box
from farm.files.pictures.canvas import (
    AXES,
    TILT_DEGREES,
    Canvas,
    Colours,
    Depths,
    Floats,
    light_on,
    shaded,
)
from farm.files.pictures.thumbnails import Picture
from farm.workers.kernels import kernel

LINE_MM = 0.45  # as wide as a line of a 0.4 mm nozzle usually is
SAMPLES = 2  # points of a pixel, each way: there are millions of moves, and they are rough by nature
THINNEST = 0.6 * SAMPLES  # points: thinner, the lines of a large print would leave gaps
SHADES = 8  # across a line
SLOPES = 64  # from one diagonal of the canvas to the other
FARTHEST = 1e9  # points from the canvas
LEAST = 1e-9  # points: less is no length
MOST_POINTS = 2_000_000_000  # drawn for one picture, some seconds; 40 MB of G-code take 50 million

Ends = Floats  # shape (n, 6): from x y z to x y z of each move, millimetres
Kinds = NDArray[np.uint8]  # shape (n,): rows of the colours
Shades = NDArray[np.uint32]  # shape (kinds, 2, SLOPES, SHADES): see _shades


class ToolpathPicture:
    """A picture of moves.

    box: what is to be seen; moves outside it are cut off. colours: shape (kinds, 3), of each kind of move,
    red green blue from 0 to 255; NaN for those that are left out.
    """

    def __init__(self, box: Box, colours: Floats) -> None:
        low, high = (np.array([edge[end] for edge in (box.x, box.y, box.z)]) for end in (0, 1))
        self._canvas = Canvas.around_box(low - LINE_MM / 2, high + LINE_MM / 2, SAMPLES)
        self._shades, self._shown = _shades(np.nan_to_num(colours)), ~np.isnan(colours[:, 0])
        self._left = MOST_POINTS

    def draw(self, ends: Ends, kinds: Kinds) -> None:
        """Moves of the file, in any order and number."""
        canvas = self._canvas
        radius = max(LINE_MM * canvas.scale, THINNEST) / 2
        if self._left > 0:
            self._left = _draw(
                ends,
                kinds,
                AXES,
                canvas.scale,
                canvas.offset,
                radius,
                canvas.depth,
                canvas.colours,
                self._shades,
                self._shown,
                self._left,
            )

    def picture(self) -> Picture | None:
        """None when there is nothing to be seen, or when drawing took longer than a print of any use does."""
        if self._left <= 0 or not np.isfinite(self._canvas.depth).any():
            return None
        return self._canvas.picture()


def _shades(colours: Floats) -> Shades:
    """How a level line looks across, whichever way it runs: once for all, since millions are drawn.

    colours: shape (kinds, 3). Returns for each kind, for lines nearer to the canvas's rows (0) and to its
    columns (1), by slope from -1 to 1: what is seen from one edge to the other, as the other axis grows.
    """
    table = np.zeros((len(colours), 2, SLOPES, SHADES), np.uint32)
    tilt = math.radians(TILT_DEGREES)
    for main, at in np.ndindex(2, SLOPES):
        slope = (2 * at + 1) / SLOPES - 1
        run, side = 1 / math.hypot(1, slope), slope / math.hypot(1, slope)
        along, across = ((run, side), (-side, run)) if main == 0 else ((side, run), (run, -side))
        to_eye = -along[1] / math.tan(tilt)  # up the picture is away from the eye, on the level
        rise, rise_to_eye = -to_eye / math.hypot(1, to_eye), 1 / math.hypot(1, to_eye)
        for shade in range(SHADES):
            aside = (2 * shade + 1) / SHADES - 1
            up = math.sqrt(1 - aside * aside)
            light = light_on(
                up * rise * along[0] + aside * across[0],
                up * rise * along[1] + aside * across[1],
                up * rise_to_eye,
            )
            table[:, main, at, shade] = [shaded(colour, light) for colour in colours]
    return table


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
    shades: Shades,
    shown: NDArray[np.bool_],
    left: int,
) -> int:
    """left: how many points may still be drawn. Returns what is left of them."""
    at = np.empty((2, 3))  # both ends in points: right, up, to the eye
    height = np.empty(SHADES)  # of a line, across
    for shade in range(SHADES):
        height[shade] = radius * math.sqrt(1 - ((2 * shade + 1) / SHADES - 1) ** 2)
    for row in range(ends.shape[0]):
        kind = kinds[row]
        if kind >= shown.shape[0] or not shown[kind]:
            continue
        whole = True
        for end in range(2):
            for axis in range(3):
                value = offset[axis]
                for part in range(3):
                    value += axes[axis, part] * ends[row, 3 * end + part] * scale
                at[end, axis] = value
                whole &= abs(value) < FARTHEST
        if whole and abs(at[1, 0] - at[0, 0]) >= abs(at[1, 1] - at[0, 1]):
            left -= _fill(at, 0, radius, height, shades[kind, 0], depth, colours)
        elif whole:
            left -= _fill(at, 1, radius, height, shades[kind, 1], depth.T, colours.T)
        if left <= 0:
            break
    return left


@kernel
def _fill(
    at: Floats,
    main: int,
    radius: float,
    height: Floats,
    shades: Colours,
    depth: Depths,
    colours: Colours,
) -> int:
    """One move as a rod, step by step along the axis in which it is longer: `main`, the last of the canvas's.

    Its ends stick out by half its thickness, so that corners are closed. Returns how many points it saw.
    """
    side = 1 - main
    begin, end = (0, 1) if at[0, main] <= at[1, main] else (1, 0)
    run = at[end, main] - at[begin, main]
    slope = (at[end, side] - at[begin, side]) / run if run > LEAST else 0.0
    rise = (at[end, 2] - at[begin, 2]) / run if run > LEAST else 0.0
    seen = shades[min(max(int((slope + 1) * SLOPES / 2), 0), SLOPES - 1)]
    reach = radius * math.sqrt(1 + slope * slope)  # from its middle line to its edge, along the other axis
    rows, columns = depth.shape
    first = max(0.0, math.ceil(at[begin, main] - radius / 2 - 0.5))
    last = min(columns - 1.0, math.floor(at[end, main] + radius / 2 - 0.5))
    looked = 1
    for x in range(int(first), int(last) + 1):
        along = x + 0.5 - at[begin, main]
        middle = at[begin, side] + along * slope
        near = at[begin, 2] + min(max(along, 0.0), run) * rise
        bottom = max(0.0, math.ceil(middle - reach - 0.5))
        top = min(rows - 1.0, math.floor(middle + reach - 0.5))
        step = SHADES / (2 * reach)
        across = (bottom + 0.5 - middle + reach) * step
        looked += 1
        for y in range(int(bottom), int(top) + 1):
            shade = min(max(int(across), 0), SHADES - 1)
            across += step
            looked += 1
            if near + height[shade] > depth[y, x]:
                depth[y, x] = near + height[shade]
                colours[y, x] = seen[shade]
    return looked
