"""A reader of G-code that is slow and short, to hold the fast one against.

It takes lines apart with a pattern, keeps everything in Python's own numbers, walks round arcs in small
steps, and plans nothing.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass, field

WORD = re.compile(r"([A-Z]) *([-+]?(?:\d+\.?\d*|\.\d+)(?=[A-Z ;*(\t\r\n]|$))?", re.IGNORECASE)
STEPS = 2000  # of an arc


@dataclass
class Seen:
    """As `Survey` names it."""

    moves: int = 0
    extruding_moves: int = 0
    retractions: int = 0
    tool_changes: int = 0
    net: dict[int, float] = field(default_factory=dict)
    used: dict[int, float] = field(default_factory=dict)
    points: list[tuple[float, float, float]] = field(default_factory=list)
    heights: list[float] = field(default_factory=list)
    seconds: float = 0.0
    lines: int = 0

    @property
    def box(self) -> tuple[float, ...] | None:
        if not self.points:
            return None
        return tuple(edge for axis in zip(*self.points, strict=True) for edge in (min(axis), max(axis)))


def read(text: str) -> Seen:
    """Everything in a text, for a printer that begins at 0 with absolute numbers."""
    seen, at = Seen(), [0.0, 0.0, 0.0]
    origin, e, tool, unit, feed = [0.0, 0.0, 0.0], 0.0, 0, 1.0, 25.0
    relative = e_relative = retracted = False
    for line in text.splitlines():
        seen.lines += 1
        command = re.sub(r"\([^)]*\)?", " ", line.partition(";")[0].partition("*")[0])
        command = re.sub(r"^\s*N\s*\d+", "", command, flags=re.IGNORECASE).strip()
        match = re.match(r"([GMT]) *(\d+)(?![.\d])", command, re.IGNORECASE)
        if not match:
            continue
        code = f"{match[1].upper()}{int(match[2])}"
        words = {letter.upper(): number for letter, number in WORD.findall(command[match.end() :])}
        numbers = {letter: float(number) for letter, number in words.items() if number}
        if code in ("G0", "G1", "G2", "G3"):
            if numbers.get("F", 0) > 0:
                feed = numbers["F"] * unit / 60
            target = [
                (at[axis] if relative else origin[axis]) + numbers[letter] * unit
                if letter in numbers
                else at[axis]
                for axis, letter in enumerate("XYZ")
            ]
            pushed = 0.0
            if "E" in numbers:
                pushed = numbers["E"] * unit - (0 if relative or e_relative else e)
                e += pushed
                seen.net[tool] = seen.net.get(tool, 0.0) + pushed
                seen.used[tool] = max(seen.used.get(tool, 0.0), seen.net[tool])
                if pushed < 0 and not retracted:
                    seen.retractions += 1
                retracted = pushed < 0 or (retracted and pushed == 0)
            path = [tuple(at), tuple(target)]
            if code in ("G2", "G3"):
                path = arc(at, target, numbers.get("I", 0) * unit, numbers.get("J", 0) * unit, code == "G2")
            across = len(path) > 2 or target[:2] != at[:2]
            if target != at or len(path) > 2:
                seen.moves += 1
                if pushed > 0 and across:
                    seen.extruding_moves += 1
                    seen.points += path
                    seen.heights.append(target[2])
            length = math.fsum(math.dist(*step) for step in itertools.pairwise(path))
            seen.seconds += (length or abs(pushed)) / feed
            at = target
        elif code == "G28":
            axes = [axis for axis, letter in enumerate("XYZ") if letter in words] or [0, 1, 2]
            for axis in axes:
                at[axis] = origin[axis] = 0.0
        elif code == "G92":
            named = [letter for letter in "XYZE" if letter in numbers]
            for axis, letter in enumerate("XYZ"):
                if letter in named or not named:
                    origin[axis] = at[axis] - numbers.get(letter, 0.0) * unit
            if "E" in named or not named:
                e = numbers.get("E", 0.0) * unit
        elif code == "G4":
            seen.seconds += max(0.0, numbers["S"] if "S" in numbers else numbers.get("P", 0.0) / 1000)
        elif match[1].upper() == "T" and int(match[2]) != tool:
            tool = int(match[2])
            seen.tool_changes += 1
        relative = {"G90": False, "G91": True}.get(code, relative)
        e_relative = {"M82": False, "M83": True}.get(code, e_relative)
        unit = {"G20": 25.4, "G21": 1.0}.get(code, unit)
    return seen


def arc(at: list[float], target: list[float], i: float, j: float, clockwise: bool) -> list:
    """Points on the way; the straight line when there is no centre."""
    if i == 0 and j == 0:
        return [tuple(at), tuple(target)]
    x, y = at[0] + i, at[1] + j
    begin, end = math.atan2(-j, -i), math.atan2(target[1] - y, target[0] - x)
    turn = (begin - end if clockwise else end - begin) % (2 * math.pi)
    if math.dist(at[:2], target[:2]) < 1e-6:
        turn = 2 * math.pi
    radius, points = math.hypot(i, j), [tuple(at)]
    for step in range(1, STEPS):
        angle = begin + (-turn if clockwise else turn) * step / STEPS
        z = at[2] + (target[2] - at[2]) * step / STEPS
        points.append((x + radius * math.cos(angle), y + radius * math.sin(angle), z))
    return [*points, tuple(target)]
