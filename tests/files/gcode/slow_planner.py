"""Plans moves slowly, without looking how far it has to look: to hold the fast planner against.

Corners are written with whole vectors, and the speeds are found by pulling down whichever is too high for its
neighbours until none is any more.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

from farm.files.gcode.machine import Machine, Model


class Move(NamedTuple):
    """Millimetres of X, Y, Z and the extruder, and the speed that is asked for, mm/s."""

    by: tuple[float, float, float, float]
    feed: float


class Leg(NamedTuple):
    """A move as the machine may make it. way: its part in each axis for one millimetre."""

    length: float
    way: tuple[float, ...]
    speed: float
    acceleration: float


def seconds(moves: list[Move], machine: Machine) -> float:
    """From standstill to standstill; for jerk and junction deviation."""
    legs = [leg(move, machine) for move in moves]
    ends = [safe(legs[0], machine), safe(legs[-1], machine)]
    speeds = [ends[0], *(corner(*pair, machine) for pair in itertools.pairwise(legs)), ends[1]]
    settled = False
    while not settled:
        settled = True
        for at, one in enumerate(legs):
            gain = 2 * one.acceleration * one.length
            for slower, faster in ((at, at + 1), (at + 1, at)):
                most = math.sqrt(speeds[slower] ** 2 + gain)
                if speeds[faster] > most * (1 + 1e-12):
                    speeds[faster], settled = most, False
    return math.fsum(lasts(one, *ends) for one, ends in zip(legs, itertools.pairwise(speeds), strict=True))


def leg(move: Move, machine: Machine) -> Leg:
    x, y, z, e = move.by
    length = math.hypot(x, y, z) or abs(e)
    way = tuple(part / length for part in move.by)
    wished = machine.travel_acceleration if e == 0 else machine.acceleration
    if (x, y, z) == (0, 0, 0):
        wished = machine.retract_acceleration

    def most(limits: tuple[float, ...], most: float) -> float:
        return min(most, *(limit / abs(part) for limit, part in zip(limits, way, strict=True) if part))

    return Leg(length, way, most(machine.max_speed, move.feed), most(machine.max_acceleration, wished))


def safe(one: Leg, machine: Machine) -> float:
    """From standstill at once."""
    if machine.model is not Model.JERK:
        return 0.0
    limits = zip(one.way, machine.jerk, strict=True)
    return min([one.speed, *(most for part, most in limits if abs(part) * one.speed > most)])


def corner(before: Leg, behind: Leg, machine: Machine) -> float:
    if machine.model is Model.JUNCTION_DEVIATION:
        return by_deviation(before, behind, machine)
    slower = min(before.speed, behind.speed)
    factor = 1.0
    for was, is_, most in zip(before.way, behind.way, machine.jerk, strict=True):
        one, other = was * slower, is_ * behind.speed
        jump = abs(one - other) if one * other > 0 else max(abs(one), abs(other))
        factor = min(factor, most / jump if jump > most else 1.0)
    stops = min(safe(before, machine), safe(behind, machine))
    return safe(behind, machine) if stops > 0.99 * slower * factor else slower * factor


def by_deviation(before: Leg, behind: Leg, machine: Machine) -> float:
    """The angle between both is taken, where the fast one keeps to sines and cosines."""
    cosine = max(-1.0, min(1.0, sum(a * b for a, b in zip(before.way, behind.way, strict=True))))
    slower = min(before.speed, behind.speed)
    if cosine > 0.999999:
        return slower
    if cosine < -0.999999:
        return 0.0
    across = [b - a for a, b in zip(before.way, behind.way, strict=True)]
    size = math.hypot(*across)
    limits = zip(across, machine.max_acceleration, strict=True)
    acceleration = min([behind.acceleration, *(most * size / abs(part) for part, most in limits if part)])
    bend = math.acos(cosine)
    half = math.cos(bend / 2)  # the sine of half the angle between the two lines
    fastest = acceleration * machine.junction_deviation * half / (1 - half)
    if behind.length < 1 and cosine > math.sqrt(0.5):
        fastest = min(fastest, behind.length * acceleration / bend)
    return min(slower, math.sqrt(fastest))


def lasts(one: Leg, entry: float, leave: float) -> float:
    """Up with the acceleration, along, and down again."""
    top = min(one.speed, math.sqrt((entry**2 + leave**2) / 2 + one.acceleration * one.length))
    up, down = (top - entry) / one.acceleration, (top - leave) / one.acceleration
    along = one.length - (entry + top) / 2 * up - (leave + top) / 2 * down
    return up + along / top + down
