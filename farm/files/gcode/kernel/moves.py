"""G0 to G3: how far the nozzle goes, what it draws, in which layer, and how large that becomes."""

from __future__ import annotations

import math
from typing import Any

from farm.files.gcode.kernel.dangers import guard
from farm.files.gcode.kernel.junctions import queue_move
from farm.files.gcode.kernel.scan import BED, LEVEL, MARKED, MOST_CHORDS, MOST_STEPS, PART, PRINTED
from farm.files.gcode.kernel.strokes import is_picture, stroke, stroke_arc
from farm.files.gcode.kernel.text import E, F, I, R, X
from farm.files.gcode.roles import Role
from farm.workers.kernels import kernel, part

ARC_TOLERANCE = 0.0125  # mm between an arc and the lines a firmware makes of it
SAME = 1e-6  # mm: nearer is the same place
NEW_HEIGHT = 1e-4  # mm
MOST_STEP = 5.0  # mm from layer to layer; more is another object, or a tower
MODEL = int(Role.MODEL)
UNKNOWN = int(Role.UNKNOWN)


@part
def read_move(scan: Any, numbered: int) -> None:
    """A straight line."""
    reader = scan.reader
    _take_feed(reader, scan.words, numbered)
    x, y, z = _target(scan, numbered)
    extruded = _extruded(scan, numbered)
    dx, dy, dz = x - reader.position[0], y - reader.position[1], z - reader.position[2]
    moving = dx != 0 or dy != 0 or dz != 0
    draws = extruded > 0 and (dx != 0 or dy != 0)
    if draws and is_picture(scan):
        stroke(scan, reader.position[0], reader.position[1], reader.position[2], x, y, z)
    if moving:
        _count_move(scan, draws, z, dz != 0)
        _arrive(scan, x, y, z)
        if draws:
            _grow(scan, x, y, z)
    if (moving or extruded != 0) and not is_picture(scan):
        queue_move(scan, dx, dy, dz, extruded)


@kernel
def read_arc(scan: Any, numbered: int, clockwise: bool) -> None:
    """An arc, or the straight line to its end where its numbers make none."""
    reader, words = scan.reader, scan.words
    a, b, c = _plane(reader.plane)
    _take_feed(reader, words, numbered)
    target = _target(scan, numbered)
    start = (reader.position[0], reader.position[1], reader.position[2])
    centre_a, centre_b, good = _centre(scan, numbered, start, target, a, b, clockwise)
    if not good:
        _count_bad_arc(scan)
        read_move(scan, numbered & ~(1 << F))
        return
    scan.found.arcs += 1
    ra, rb = start[a] - centre_a, start[b] - centre_b
    radius, turn = math.hypot(ra, rb), _turn(ra, rb, target[a] - centre_a, target[b] - centre_b, clockwise)
    rise, extruded = target[c] - start[c], _extruded(scan, numbered)
    _count_move(scan, extruded > 0, target[2], target[2] != start[2])
    _arrive(scan, target[0], target[1], target[2])
    if extruded > 0:
        _grow(scan, target[0], target[1], target[2])
        _bulge(scan, centre_a, centre_b, ra, rb, turn, start, target, a, b)
    if not is_picture(scan):
        _queue_chords(scan, ra, rb, radius, turn, rise, extruded, a, b, c)
    elif extruded > 0:
        stroke_arc(scan, start, target, ra, rb, turn, a, b, c)


@part
def _take_feed(reader: Any, words: Any, numbered: int) -> None:
    if numbered & (1 << F) and words[F] > 0:
        reader.feed = words[F] * reader.unit / 60


@part
def _target(scan: Any, numbered: int) -> tuple[float, float, float]:
    reader, words, point = scan.reader, scan.words, scan.point
    for axis in range(3):
        point[axis] = reader.position[axis]
        if numbered >> (X + axis) & 1:
            said = words[X + axis] * reader.unit
            point[axis] = point[axis] + said if reader.relative else reader.origin[axis] + said
    return point[0], point[1], point[2]


@part
def _extruded(scan: Any, numbered: int) -> float:
    """Millimetres of filament that this move pushes (or pulls back); they are counted."""
    if not numbered & (1 << E):
        return 0.0
    reader, tool = scan.reader, scan.tools[scan.reader.tool]
    said = scan.words[E] * reader.unit
    step = said if reader.relative or reader.e_relative else said - reader.e
    reader.e += step
    pushed: float = step * reader.e_unit * reader.flow
    tool.net += pushed
    if tool.net > tool.used:
        tool.used = tool.net
    if pushed > 0:
        reader.retracted = 0
    elif pushed < 0 and not reader.retracted:
        reader.retracted = 1
        scan.found.retractions += 1
    return pushed


@part
def _count_move(scan: Any, draws: bool, z: float, rising: bool) -> None:
    """Before the nozzle is anywhere else: what is drawn begins where it is."""
    reader = scan.reader
    scan.found.moves += 1
    if not draws:
        reader.drawing = 0
        return
    scan.found.extruding += 1
    _draw_in_layer(scan, z, rising)
    if not reader.drawing:
        reader.drawing = 1
        _grow(scan, reader.position[0], reader.position[1], reader.position[2])


@part
def _arrive(scan: Any, x: float, y: float, z: float) -> None:
    position = scan.reader.position
    position[0], position[1], position[2] = x, y, z
    if scan.motion.guarded:
        guard(scan, x, y, z)


# -- how large it is


@part
def _grow(scan: Any, x: float, y: float, z: float) -> None:
    _include(scan.boxes[PRINTED], x, y, z)
    if scan.reader.role == MODEL:
        _include(scan.boxes[PART], x, y, z)


@part
def _include(box: Any, x: float, y: float, z: float) -> None:
    if x < box[0, 0]:
        box[0, 0] = x
    if x > box[1, 0]:
        box[1, 0] = x
    if y < box[0, 1]:
        box[0, 1] = y
    if y > box[1, 1]:
        box[1, 1] = y
    if z < box[0, 2]:
        box[0, 2] = z
    if z > box[1, 2]:
        box[1, 2] = z


# -- in which layer


@part
def _draw_in_layer(scan: Any, z: float, rising: bool) -> None:
    """rising: the nozzle goes up as it draws, as for a vase; then a layer is a whole step higher."""
    marked, level = scan.layers[MARKED], scan.layers[LEVEL]
    if marked.begun:
        marked.begun = 0
        _begin_layer(scan, MARKED, z)
    away = z - level.z
    if level.count == 0 or (abs(away) > NEW_HEIGHT and (not rising or away > level.step - NEW_HEIGHT)):
        _begin_layer(scan, LEVEL, z)
    if level.count <= 2 or marked.count <= 2:
        _note_temperatures(scan, MARKED)
        _note_temperatures(scan, LEVEL)


@kernel
def _begin_layer(scan: Any, kind: int, z: float) -> None:
    layer = scan.layers[kind]
    rise = z - layer.z
    if layer.count == 0:
        layer.first_z = layer.step = z
    elif NEW_HEIGHT < rise < MOST_STEP:
        layer.step = rise
        _count_step(scan.steps[kind], int(rise * 1000 + 0.5))
    layer.count += 1
    layer.z = z


@kernel
def _count_step(steps: Any, micrometres: int) -> None:
    for at in range(MOST_STEPS):
        if steps[at].count == 0 or steps[at].micrometres == micrometres:
            steps[at].micrometres = micrometres
            steps[at].count += 1
            return


@kernel
def _note_temperatures(scan: Any, kind: int) -> None:
    """Those of the first layer as it begins, and the others as the second ends."""
    layer, nozzle, bed = scan.layers[kind], scan.heaters[scan.reader.tool], scan.heaters[BED]
    if layer.count == 1 and layer.nozzle_first < 0:
        layer.nozzle_first = nozzle.wished
        layer.bed_first = bed.wished
    elif layer.count == 2:
        layer.nozzle = nozzle.wished
        layer.bed = bed.wished


# -- arcs


@kernel
def _plane(plane: int) -> tuple[int, int, int]:
    if plane == 1:
        return 2, 0, 1
    if plane == 2:
        return 1, 2, 0
    return 0, 1, 2


@kernel
def _count_bad_arc(scan: Any) -> None:
    found = scan.found
    if found.bad_arcs == 0:
        found.first_bad_arc = scan.reader.line
    found.bad_arcs += 1


@kernel
def _centre(
    scan: Any, numbered: int, start: Any, target: Any, a: int, b: int, clockwise: bool
) -> tuple[float, float, bool]:
    """From R, or from I, J and K, which count from the start."""
    unit, words = scan.reader.unit, scan.words
    if numbered & (1 << R):
        return _centre_by_radius(start[a], start[b], target[a], target[b], words[R] * unit, clockwise)
    if not numbered >> I & 7:
        return 0.0, 0.0, False
    centre_a, centre_b = start[a], start[b]
    if numbered >> (I + a) & 1:
        centre_a += words[I + a] * unit
    if numbered >> (I + b) & 1:
        centre_b += words[I + b] * unit
    return centre_a, centre_b, math.hypot(centre_a - start[a], centre_b - start[b]) > SAME


@kernel
def _centre_by_radius(
    a: float, b: float, to_a: float, to_b: float, radius: float, clockwise: bool
) -> tuple[float, float, bool]:
    """The longer way round for a negative radius. A radius that is too short is taken as long enough."""
    da, db = to_a - a, to_b - b
    apart = math.hypot(da, db)
    if apart < SAME or radius == 0:
        return 0.0, 0.0, False
    height = math.sqrt(max(0.0, radius * radius - apart * apart / 4)) / apart
    side = -height if clockwise != (radius < 0) else height
    return (a + to_a) / 2 - db * side, (b + to_b) / 2 + da * side, True


@kernel
def _turn(ra: float, rb: float, to_a: float, to_b: float, clockwise: bool) -> float:
    """The angle it sweeps, negative when clockwise; a whole circle where it ends at its start."""
    if math.hypot(to_a - ra, to_b - rb) < SAME:
        return -2 * math.pi if clockwise else 2 * math.pi
    angle = math.atan2(ra * to_b - rb * to_a, ra * to_a + rb * to_b)
    if clockwise and angle >= 0:
        return angle - 2 * math.pi
    if not clockwise and angle <= 0:
        return angle + 2 * math.pi
    return angle


@kernel
def _bulge(
    scan: Any,
    centre_a: float,
    centre_b: float,
    ra: float,
    rb: float,
    turn: float,
    start: Any,
    target: Any,
    a: int,
    b: int,
) -> None:
    """Take in the points where the arc goes furthest to each side, if it comes by there."""
    radius, begin = math.hypot(ra, rb), math.atan2(rb, ra)
    for quarter in range(4):
        angle = quarter * math.pi / 2
        ahead = (angle - begin) % (2 * math.pi) if turn > 0 else (begin - angle) % (2 * math.pi)
        if ahead < abs(turn):
            far_a = centre_a + radius * (1 - quarter if quarter % 2 == 0 else 0)
            far_b = centre_b + radius * (2 - quarter if quarter % 2 == 1 else 0)
            point, share = scan.point, ahead / abs(turn)
            for axis in range(3):
                point[axis] = start[axis] + (target[axis] - start[axis]) * share
            point[a], point[b] = far_a, far_b
            _grow(scan, point[0], point[1], point[2])


@kernel
def _queue_chords(
    scan: Any,
    ra: float,
    rb: float,
    radius: float,
    turn: float,
    rise: float,
    extruded: float,
    a: int,
    b: int,
    c: int,
) -> None:
    """As firmwares do: straight lines that stay near the arc."""
    opening = 2 * math.acos(max(-1.0, 1 - ARC_TOLERANCE / radius)) if radius > ARC_TOLERANCE else math.pi
    chords = min(MOST_CHORDS, max(1, math.ceil(abs(turn) / opening)))
    cos, sin = math.cos(turn / chords), math.sin(turn / chords)
    for _ in range(chords):
        to_a, to_b = ra * cos - rb * sin, ra * sin + rb * cos
        da, db, dc = to_a - ra, to_b - rb, rise / chords
        if a == 0:
            queue_move(scan, da, db, dc, extruded / chords)
        elif a == 2:
            queue_move(scan, db, dc, da, extruded / chords)
        else:
            queue_move(scan, dc, da, db, extruded / chords)
        ra, rb = to_a, to_b
