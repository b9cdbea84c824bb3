"""How fast a move may be, how fast it may begin after the one before, and the queue of what is to be planned.

A move here is a straight line of all axes together, the extruder too. Each firmware has its own rule for the
speed between two moves:

* classic jerk (Marlin 1, Prusa, Smoothieware): no axis may change its speed at once by more than its jerk.
* junction deviation (Marlin 2, after Grbl): as fast as on a small arc that stays near enough to the corner.
* Klipper: the same, with the deviation that gives the square-corner velocity at a right angle, the corner's
  arc no longer than the moves, and the extruder's part of a move changing by no more than 1 mm/s.
* RepRapFirmware: jerk again, but only between two moves of one kind; between others it stops.
"""

from __future__ import annotations

import math
from typing import Any

from farm.files.gcode.machine import Model
from farm.workers.kernels import kernel, part

JERK, JUNCTION_DEVIATION = int(Model.JERK), int(Model.JUNCTION_DEVIATION)
KLIPPER, REPRAP = int(Model.KLIPPER), int(Model.REPRAP)

TRAVEL, PRINT, EXTRUDER_ONLY = 0, 1, 2  # kinds of moves
EXTRUDER_CORNER = 1.0  # mm/s; Klipper's instantaneous_corner_velocity unless it is set
STRAIGHT_ON, BACK = -0.999999, 0.999999  # cosines, as Marlin takes them
SHORT, SHALLOW = 1.0, -0.7071067812  # mm and cosine: what Marlin takes for a piece of an arc


@part
def queue_move(scan: Any, dx: float, dy: float, dz: float, de: float) -> None:
    """One move more to plan. There is room for all that one line makes."""
    motion, reader = scan.motion, scan.reader
    length = math.sqrt(dx * dx + dy * dy + dz * dz)
    kind = PRINT if de != 0 else TRAVEL
    if length == 0:
        length, kind = abs(de), EXTRUDER_ONLY
    part = 1 / length
    rx, ry, rz, re = dx * part, dy * part, dz * part, de * part
    least = motion.min_travel_speed if kind == TRAVEL else motion.min_print_speed
    wished = max(least, reader.feed * reader.feed_factor)
    speed = _slowest_axis(motion, motion.max_speed, rx, ry, rz, re, kind, wished)
    acceleration = _slowest_axis(
        motion, motion.max_acceleration, rx, ry, rz, re, kind, _acceleration(motion, kind)
    )
    move = scan.queue[motion.queued]
    move.length, move.acceleration, move.line = length, acceleration, reader.line
    move.cruise2 = move.top2 = speed * speed
    safe = _safe_speed(motion, speed, rx, ry, rz, re)
    if motion.model == KLIPPER:
        move.smooth_acceleration = acceleration * (1 - motion.minimum_cruise_ratio)
    if motion.standing:
        motion.standing = 0
        corner2 = safe * safe
        move.smooth_corner2 = 0.0
        motion.entry2 = corner2
    else:
        corner2 = _corner2(scan, motion, move, kind, speed, safe, rx, ry, rz, re)
    move.corner2 = corner2
    motion.direction[0], motion.direction[1], motion.direction[2], motion.direction[3] = rx, ry, rz, re
    motion.speed, motion.safe, motion.was_kind = speed, safe, kind
    motion.queued += 1


@part
def _acceleration(motion: Any, kind: int) -> float:
    wished: float = motion.acceleration
    if kind == TRAVEL and motion.model != KLIPPER:
        wished = motion.travel_acceleration
    elif kind == EXTRUDER_ONLY and motion.retract_acceleration > 0:
        wished = motion.retract_acceleration
    return wished


@part
def _slowest_axis(
    motion: Any, limits: Any, rx: float, ry: float, rz: float, re: float, kind: int, wished: float
) -> float:
    """The most along the move that no axis is asked for more than its limit. 0 is no limit."""
    most = wished
    if limits[0] > 0 and abs(rx) * most > limits[0]:
        most = limits[0] / abs(rx)
    if limits[1] > 0 and abs(ry) * most > limits[1]:
        most = limits[1] / abs(ry)
    if limits[2] > 0 and abs(rz) * most > limits[2]:
        most = limits[2] / abs(rz)
    if limits[3] > 0 and abs(re) * most > limits[3] and (kind == EXTRUDER_ONLY or motion.model != KLIPPER):
        most = limits[3] / abs(re)
    return most


@part
def _safe_speed(motion: Any, speed: float, rx: float, ry: float, rz: float, re: float) -> float:
    """The speed from which, and to which, the printer may go at once."""
    if motion.model != JERK:
        return 0.0
    safe = speed
    jerk = motion.jerk
    if abs(rx) * speed > jerk[0]:
        safe = min(safe, jerk[0])
    if abs(ry) * speed > jerk[1]:
        safe = min(safe, jerk[1])
    if abs(rz) * speed > jerk[2]:
        safe = min(safe, jerk[2])
    if abs(re) * speed > jerk[3]:
        safe = min(safe, jerk[3])
    return safe


@part
def _corner2(
    scan: Any,
    motion: Any,
    move: Any,
    kind: int,
    speed: float,
    safe: float,
    rx: float,
    ry: float,
    rz: float,
    re: float,
) -> float:
    """The square of the highest speed between the last move and this one."""
    if motion.model == JERK:
        corner = _jerk_corner(motion, speed, rx, ry, rz, re)
        if motion.safe > corner * 0.99 and safe > corner * 0.99:
            corner = safe  # it stops in between, and is faster so
        return float(corner * corner)
    if motion.model == JUNCTION_DEVIATION:
        return _deviation_corner2(motion, move, speed, rx, ry, rz, re)
    if motion.model == REPRAP:
        if kind != motion.was_kind:
            return 0.0
        corner = _jerk_corner(motion, speed, rx, ry, rz, re)
        return float(corner * corner)
    return _klipper_corner2(scan, motion, move, kind, rx, ry, rz, re)


@part
def _jerk_corner(motion: Any, speed: float, rx: float, ry: float, rz: float, re: float) -> float:
    """Marlin takes the slower of both speeds, and then less of it while an axis changes too much at once.

    It looks at the speed of an axis before and behind the corner: at the difference where it goes on the
    same way, at the larger of both where it turns round.
    """
    before: float = min(motion.speed, speed)
    direction, jerk = motion.direction, motion.jerk
    factor = 1.0
    factor = min(factor, _jerk_factor(direction[0] * before, rx * speed, jerk[0]))
    factor = min(factor, _jerk_factor(direction[1] * before, ry * speed, jerk[1]))
    factor = min(factor, _jerk_factor(direction[2] * before, rz * speed, jerk[2]))
    factor = min(factor, _jerk_factor(direction[3] * before, re * speed, jerk[3]))
    return before * factor


@part
def _jerk_factor(before: float, behind: float, most: float) -> float:
    change = abs(before - behind) if before * behind > 0 else max(abs(before), abs(behind))
    return float(most / change) if change > most else 1.0


@kernel
def _deviation_corner2(
    motion: Any, move: Any, speed: float, rx: float, ry: float, rz: float, re: float
) -> float:
    """Marlin's form of Grbl's junction deviation; for short moves with small angles an arc through them."""
    was = motion.direction
    cosine = -(was[0] * rx + was[1] * ry + was[2] * rz + was[3] * re)
    slower2: float = min(speed, motion.speed) ** 2
    if cosine > BACK:
        return 0.0
    if cosine < STRAIGHT_ON:
        return slower2
    acceleration = _corner_acceleration(motion, move, rx - was[0], ry - was[1], rz - was[2], re - was[3])
    half_sine = math.sqrt(0.5 * (1 - cosine))
    corner2: float = acceleration * motion.junction_deviation * half_sine / (1 - half_sine)
    if move.length < SHORT and cosine < SHALLOW:
        corner2 = min(corner2, move.length * acceleration / math.acos(-cosine))
    return min(corner2, slower2)


@kernel
def _corner_acceleration(motion: Any, move: Any, jx: float, jy: float, jz: float, je: float) -> float:
    """What the axes allow across the corner."""
    across = math.sqrt(jx * jx + jy * jy + jz * jz + je * je)
    return _slowest_axis(
        motion,
        motion.max_acceleration,
        jx / across,
        jy / across,
        jz / across,
        je / across,
        PRINT,
        move.acceleration,
    )


@kernel
def _klipper_corner2(
    scan: Any, motion: Any, move: Any, kind: int, rx: float, ry: float, rz: float, re: float
) -> float:
    if kind == EXTRUDER_ONLY or motion.was_kind == EXTRUDER_ONLY:
        move.smooth_corner2 = 0.0
        return 0.0
    was, before = motion.direction, scan.queue[motion.queued - 1]
    corner2 = min(move.cruise2, before.cruise2)
    change = abs(re - was[3])
    if change > 0:
        corner2 = min(corner2, (EXTRUDER_CORNER / change) ** 2)
    corner2 = min(corner2, before.corner2 + 2 * before.length * before.acceleration)
    cosine = -(was[0] * rx + was[1] * ry + was[2] * rz)
    half_sine = math.sqrt(max(0.0, 0.5 * (1 - cosine)))
    half_cosine = math.sqrt(max(0.0, 0.5 * (1 + cosine)))
    if half_sine < 1 and half_cosine > 0:
        # (sqrt 2 - 1) v^2 / a is the deviation that gives v at a right angle, so a cancels out
        round_corner2 = half_sine / (1 - half_sine) * (math.sqrt(2.0) - 1) * motion.square_corner_velocity**2
        half_tangent = half_sine / half_cosine / 2
        corner2 = min(corner2, round_corner2)
        corner2 = min(corner2, move.length * move.acceleration * half_tangent)
        corner2 = min(corner2, before.length * before.acceleration * half_tangent)
    move.smooth_corner2 = min(corner2, before.smooth_corner2 + 2 * before.length * before.smooth_acceleration)
    return float(corner2)
