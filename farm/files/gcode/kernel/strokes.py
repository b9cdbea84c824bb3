"""What is drawn, move by move, for a picture of it. Nothing is planned then: it was, the first time."""

from __future__ import annotations

import math
from typing import Any

from farm.files.gcode.kernel.scan import MOST_CHORDS, MOST_STROKES, NOT_DRAWN
from farm.workers.kernels import kernel, part

OFF = 0.05  # mm between an arc and the straight strokes of it; a picture shows nothing smaller


@part
def is_picture(scan: Any) -> bool:
    """Whether the file is read to be drawn."""
    return bool(scan.reader.strokes != NOT_DRAWN)


@kernel
def are_full(scan: Any) -> bool:
    """Whether the next line may draw more strokes than there is room for."""
    return bool(scan.reader.strokes > MOST_STROKES - MOST_CHORDS)


@part
def stroke(scan: Any, x: float, y: float, z: float, to_x: float, to_y: float, to_z: float) -> None:
    """A straight one. There is room: `read_piece` stops in time."""
    count = scan.reader.strokes
    line = scan.strokes[count]
    line[0], line[1], line[2], line[3], line[4], line[5] = x, y, z, to_x, to_y, to_z
    scan.stroke_roles[count] = scan.reader.role
    scan.reader.strokes = count + 1


@kernel
def stroke_arc(
    scan: Any, start: Any, target: Any, ra: float, rb: float, turn: float, a: int, b: int, c: int
) -> None:
    """ra, rb: from the centre to the start, along the axes a and b. turn: the angle it sweeps."""
    opening = 2 * math.acos(max(0.0, 1 - OFF / max(math.hypot(ra, rb), OFF)))
    chords = min(MOST_CHORDS, max(1, math.ceil(abs(turn) / opening)))
    cos, sin = math.cos(turn / chords), math.sin(turn / chords)
    pen, to = scan.pen, scan.point
    pen[0], pen[1], pen[2] = start[0], start[1], start[2]
    for chord in range(chords):
        to_a, to_b = ra * cos - rb * sin, ra * sin + rb * cos
        to[a], to[b] = pen[a] + to_a - ra, pen[b] + to_b - rb
        to[c] = start[c] + (target[c] - start[c]) * (chord + 1) / chords
        stroke(scan, pen[0], pen[1], pen[2], to[0], to[1], to[2])
        pen[0], pen[1], pen[2] = to[0], to[1], to[2]
        ra, rb = to_a, to_b
