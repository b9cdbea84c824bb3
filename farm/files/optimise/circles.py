"""One arc in the place of many short lines, and how far it strays from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

SMALLEST_RADIUS_MM = 0.2
LARGEST_RADIUS_MM = 1000.0  # firmwares reckon in single precision: beyond, the middle is too far away
WIDEST_TURN = math.radians(350)  # an arc that ends beside its start is taken for none, or for a whole circle
MOST_STRETCH = 0.02  # by which the arc may be longer than the lines: their filament is spread over it
CENTRE_DIGITS = 3  # as slicers write I and J


@dataclass(frozen=True, slots=True)
class Path:
    """Corners of a path in millimetres, and how far along it each one is."""

    x: Sequence[float]
    y: Sequence[float]
    along: Sequence[float]

    @classmethod
    def through(cls, points: Sequence[tuple[float, float]]) -> Path:
        along = [0.0]
        for (x0, y0), (x1, y1) in pairwise(points):
            along.append(along[-1] + math.hypot(x1 - x0, y1 - y0))
        x, y = zip(*points, strict=True)
        return cls(x, y, along)


@dataclass(frozen=True, slots=True)
class Arc:
    """From the corner `first` of a path to its corner `last`, about a centre that is `i`, `j` from `first`.

    clockwise: as G2 goes. length, deviation: millimetres; the latter is the most that the lines and the arc
    are apart anywhere.
    """

    first: int
    last: int
    i: float
    j: float
    clockwise: bool
    length: float
    deviation: float

    @property
    def radius(self) -> float:
        return math.hypot(self.i, self.j)


def fit(path: Path, first: int, last: int, tolerance: float) -> Arc | None:
    """The arc between two corners that fits those between them best; None where none does within tolerance.

    The centre lies on the perpendicular through the middle of the chord, so that both ends are kept. With
    the chord of length 2d along a, and b across it, a corner (a, b) lies on the circle about (0, t) when
    a² + b² - d² = 2bt: the least squares of that for all corners give t at once (Kåsa's algebraic fit,
    held to two points).
    """
    x, y = path.x, path.y
    x0, y0, x1, y1 = x[first], y[first], x[last], y[last]
    half = math.hypot(x1 - x0, y1 - y0) / 2
    if half < 1e-3:
        return None
    middle_x, middle_y = (x0 + x1) / 2, (y0 + y1) / 2
    across_x, across_y = -(y1 - y0) / (2 * half), (x1 - x0) / (2 * half)
    above, below = 0.0, 0.0
    for corner in range(first + 1, last):
        dx, dy = x[corner] - middle_x, y[corner] - middle_y
        b = dx * across_x + dy * across_y
        above += b * (dx * dx + dy * dy - half * half)
        below += b * b
    if below < 1e-12:  # a straight line
        return None
    t = above / (2 * below)
    i = round(middle_x + t * across_x - x0, CENTRE_DIGITS)
    j = round(middle_y + t * across_y - y0, CENTRE_DIGITS)
    if not SMALLEST_RADIUS_MM <= math.hypot(i, j) <= LARGEST_RADIUS_MM:
        return None
    return _checked(path, first, last, i, j, tolerance)


def _checked(path: Path, first: int, last: int, i: float, j: float, tolerance: float) -> Arc | None:
    """The arc, if it is one for every firmware and the path never strays from it too far."""
    x, y = path.x, path.y
    radius = math.hypot(i, j)
    start = math.atan2(-j, -i)
    end = math.atan2(y[last] - y[first] - j, x[last] - x[first] - i)
    clockwise = j * (x[first + 1] - x[first]) < i * (y[first + 1] - y[first])
    turned = (start - end if clockwise else end - start) % math.tau
    straight = path.along[last] - path.along[first]
    # A path that goes round more than once, or there and back, is too long for its arc, too.
    if turned > WIDEST_TURN or abs(turned * radius - straight) > MOST_STRETCH * straight:
        return None
    if not _is_seen_whole(end if clockwise else start, turned):
        return None
    deviation = _deviation(path, first, last, (x[first] + i, y[first] + j), clockwise, tolerance)
    if deviation is None:
        return None
    return Arc(first, last, i, j, clockwise, turned * radius, deviation)


def _deviation(
    path: Path, first: int, last: int, centre: tuple[float, float], clockwise: bool, tolerance: float
) -> float | None:
    """How far a path strays at the most from the circle that it begins on; None where it is too far.

    Nor may it turn back anywhere. The lines are farthest from the circle at their corners and where they are
    nearest to its centre. Squares of distances are compared: most paths end here.
    """
    x, y, along = path.x, path.y, path.along
    centre_x, centre_y = centre
    ax, ay = x[first] - centre_x, y[first] - centre_y  # from the centre, as bx and by
    nearest = farthest = ax * ax + ay * ay
    radius = math.sqrt(nearest)
    least, most = max(0.0, radius - tolerance) ** 2, (radius + tolerance) ** 2
    for corner in range(first + 1, last + 1):
        bx, by = x[corner] - centre_x, y[corner] - centre_y
        across = ax * by - ay * bx
        square = bx * bx + by * by
        if not least <= square <= most or across == 0.0 or (across < 0.0) is not clockwise:
            return None
        if square > farthest:
            farthest = square
        length = along[corner] - along[corner - 1]
        if 0.0 < ax * (ax - bx) + ay * (ay - by) < length * length:  # it passes the centre between its ends
            square = across * across / (length * length)
        if square < nearest:
            if square < least:
                return None
            nearest = square
        ax, ay = bx, by
    return max(radius - math.sqrt(nearest), math.sqrt(farthest) - radius)


def _is_seen_whole(begin: float, turned: float) -> bool:
    """Whether OctoPrint (1.11) sees how far an arc reaches to every side.

    begin: its end that the other one is to the left of. OctoPrint checks by the extremes of arcs whether a
    file fits its printer. Of one that goes across the positive x axis it takes in no other axis: so none may
    be crossed then.
    """
    begin %= math.tau
    end = begin + turned
    return end < math.tau or (begin > 1.5 * math.pi and end < 2.5 * math.pi)
