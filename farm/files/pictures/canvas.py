"""A picture in the making: what is nearest at each point, and how it looks. No graphics card, no display.

Looked at from the front right and above, as slicers show a plate, in parallel: what is as long is as long
everywhere. Each pixel is the mean of several points, so edges are smooth, and the background is
clear: the same picture stands on a light page and on a dark one. The same file gives the same bytes.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from farm.files.pictures.thumbnails import PNG, Picture
from farm.workers.kernels import kernel

Floats = NDArray[np.float64]
Depths = NDArray[np.float32]
Colours = NDArray[np.uint32]  # red, then green, blue and 255 in the higher bytes

WIDTH, HEIGHT = 400, 300  # pixels
MARGIN = 0.05  # of the picture, on each side
TURN_DEGREES = 35.0  # about the vertical, so that front and right side are told apart
TILT_DEGREES = 30.0  # from above

AMBIENT = 0.38
LIGHTS = np.array(
    [  # towards each light (right, up, to the eye), and how strong it is
        [-0.55, 0.45, 0.70, 0.68],  # above the left shoulder
        [0.80, 0.10, 0.59, 0.22],  # a weaker one from the right
    ]
)


def _axes() -> Floats:
    turn, tilt = math.radians(TURN_DEGREES), math.radians(TILT_DEGREES)
    right = (math.cos(turn), math.sin(turn), 0.0)
    to_eye = (math.sin(turn) * math.cos(tilt), -math.cos(turn) * math.cos(tilt), math.sin(tilt))
    return np.array([right, np.cross(to_eye, right), to_eye])


AXES = _axes()
"""Shape (3, 3): unit vectors to the right, up, and to the eye. A corner in the shop's millimetres times
their transpose is how far it is that way: "as seen" below."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """What was drawn so far.

    depth: shape (rows, columns), how near the eye, -inf where nothing is. colours: the same. samples: points
    of a pixel, each way. scale: points a millimetre. offset: shape (3,), what is added to points: right, up,
    to the eye.
    """

    depth: Depths
    colours: Colours
    samples: int
    scale: float
    offset: Floats

    @classmethod
    def around(cls, low: Floats, high: Floats, samples: int) -> Canvas:
        """An empty one for what reaches from low to high as seen; shape (3,), millimetres, all finite."""
        rows, columns = HEIGHT * samples, WIDTH * samples
        room = np.array([columns, rows]) * (1 - 2 * MARGIN)
        scale = float(np.min(room / np.maximum((high - low)[:2], 1e-9)))
        centre = np.array([columns / 2, rows / 2, 0.0])
        depth = np.full((rows, columns), -np.inf, np.float32)
        colours = np.zeros((rows, columns), np.uint32)
        return cls(depth, colours, samples, scale, centre - (low + high) / 2 * scale)

    @classmethod
    def around_box(cls, low: Floats, high: Floats, samples: int) -> Canvas:
        """An empty one for a box that stands on the plate; shape (3,), millimetres, all finite."""
        middle, half = (low + high) / 2 @ AXES.T, np.abs(AXES) @ (high - low) / 2
        return cls.around(middle - half, middle + half, samples)

    def picture(self) -> Picture:
        """What was drawn so far, as a PNG."""
        points = self.colours.astype("<u4").view(np.uint8)
        points = points.reshape(HEIGHT, self.samples, WIDTH, self.samples, 4)
        sums = points.sum(axis=(1, 3), dtype=np.uint16).astype(np.float32)
        covered = np.maximum(sums[..., 3:] / 255, 1)  # points of a pixel
        means = np.dstack([sums[..., :3] / covered, sums[..., 3:] / self.samples**2])
        pixels = means[::-1].round().astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG", compress_level=6)
        return Picture(PNG, WIDTH, HEIGHT, file.getvalue())


@kernel
def shaded(colour: Floats, light: float) -> int:
    """A colour (red, green, blue; 0 to 255) as a canvas keeps it."""
    red, green, blue = int(colour[0] * light), int(colour[1] * light), int(colour[2] * light)
    return red | green << 8 | blue << 16 | 255 << 24


@kernel
def light_on(right: float, up: float, to_eye: float) -> float:
    """How bright a surface is that looks this way (a unit vector), 0 to 1."""
    light = AMBIENT
    for lamp in range(LIGHTS.shape[0]):
        shine = right * LIGHTS[lamp, 0] + up * LIGHTS[lamp, 1] + to_eye * LIGHTS[lamp, 2]
        light += max(0.0, shine) * LIGHTS[lamp, 3]
    return min(light, 1.0)


@kernel
def clipped(left: float, right: float, slope: float, base: float) -> tuple[float, float]:
    """The part from `left` to `right` where slope * x + base is not negative; left > right: none."""
    if slope > 0.0:
        left = max(left, -base / slope)
    elif slope < 0.0:
        right = min(right, -base / slope)
    elif base < 0.0:
        right = left - 1.0
    return left, right
