"""Reads G-code as a printer does, slowly and exactly, to compare copies by; nothing of the farm is in it."""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass, field
from decimal import Decimal

WORD = re.compile(r"([A-Z])\s*([-+]?(?:\d+\.?\d*|\.\d+))")


@dataclass
class Step:
    """One move: from where to where (x, y, z), with how much filament, about what centre."""

    start: tuple
    end: tuple
    e: Decimal
    feed: Decimal | None
    tool: int
    centre: tuple[float, float] | None = None
    clockwise: bool = False

    def points(self, most_apart: float = 0.02) -> list[tuple[float, float]]:
        """Along it, no farther from each other than that."""
        (x0, y0), (x1, y1) = (tuple(map(float, place[:2])) for place in (self.start, self.end))
        if self.centre is None:
            pieces = max(1, math.ceil(math.hypot(x1 - x0, y1 - y0) / most_apart))
            return [(x0 + (x1 - x0) * n / pieces, y0 + (y1 - y0) * n / pieces) for n in range(pieces + 1)]
        cx, cy = self.centre
        radius = math.hypot(x0 - cx, y0 - cy)
        pieces = max(8, math.ceil(abs(self.turn) * radius / most_apart))
        begin = math.atan2(y0 - cy, x0 - cx)
        angles = [begin + self.turn * n / pieces for n in range(pieces)]
        return [(cx + radius * math.cos(a), cy + radius * math.sin(a)) for a in angles] + [(x1, y1)]

    def widest(self) -> list[tuple[float, float]]:
        """Both ends, and where an arc is farthest along an axis."""
        ends = [_flat(self.start), _flat(self.end)]
        if self.centre is None:
            return ends
        (cx, cy), radius = self.centre, math.dist(self.centre, ends[0])
        begin, turn = math.atan2(ends[0][1] - cy, ends[0][0] - cx), self.turn
        low, high = sorted((begin, begin + turn))
        quarters = range(math.ceil(low / (math.pi / 2)), math.floor(high / (math.pi / 2)) + 1)
        compass = [(1, 0), (0, 1), (-1, 0), (0, -1)]
        return ends + [(cx + radius * compass[n % 4][0], cy + radius * compass[n % 4][1]) for n in quarters]

    @property
    def turn(self) -> float:
        """Radians, positive to the left."""
        (x0, y0), (x1, y1), (cx, cy) = self.start[:2], self.end[:2], self.centre
        x0, y0, x1, y1 = map(float, (x0, y0, x1, y1))
        turn = math.atan2(y1 - cy, x1 - cx) - math.atan2(y0 - cy, x0 - cx)
        if self.clockwise:
            return turn - 2 * math.pi if turn >= 0 else (turn if turn > -2 * math.pi else turn + 2 * math.pi)
        return turn + 2 * math.pi if turn <= 0 else turn

    @property
    def length(self) -> float:
        (x0, y0, z0), (x1, y1, z1) = (tuple(map(float, place)) for place in (self.start, self.end))
        if self.centre is None:
            return math.dist((x0, y0, z0), (x1, y1, z1))
        return abs(self.turn) * math.hypot(x0 - self.centre[0], y0 - self.centre[1])


@dataclass
class Reading:
    """The moves between the commands, and each command with all that holds when it comes."""

    stretches: list[list[Step]] = field(default_factory=lambda: [[]])
    commands: list[tuple] = field(default_factory=list)

    @property
    def steps(self) -> list[Step]:
        return [step for stretch in self.stretches for step in stretch]

    def filament(self) -> dict[int, Decimal]:
        """Net millimetres, by tool."""
        sums: dict[int, Decimal] = {}
        for step in self.steps:
            sums[step.tool] = sums.get(step.tool, Decimal()) + step.e
        return {tool: mm for tool, mm in sums.items() if mm}

    @functools.cached_property
    def box(self) -> tuple[float, ...] | None:
        """Of what is printed: least and most x, y, z."""
        printed = [step for step in self.steps if step.e > 0 and step.start[:2] != step.end[:2]]
        points = [(*point, float(step.end[2])) for step in printed for point in step.widest()]
        if not points:
            return None
        return tuple(edge(axis) for axis in zip(*points, strict=True) for edge in (min, max))

    @functools.cached_property
    def seconds(self) -> float:
        """At the feed rates, without any acceleration."""
        return sum(60 * step.length / float(step.feed) for step in self.steps if step.feed)


@functools.lru_cache(maxsize=4)
def read(text: bytes, e_follows_axes: bool = False) -> Reading:
    """What a printer would do. Modes it is not told of are absolute.

    e_follows_axes: G90 and G91 are for E as well, as Marlin has it.
    """
    found = Reading()
    at = [Decimal(0)] * 3
    logical_e, feed, tool = Decimal(0), None, 0
    absolute, counted = True, True
    for raw in text.decode("latin-1").splitlines():
        command = raw.partition(";")[0].strip()
        if numbered := re.fullmatch(r"N\d+\s*(.*?)\s*(?:\*\d+)?", command):
            command = numbered[1]
        if not command:
            continue
        name = re.match(r"[GMT]\d+(?:\.\d+)?(?=\s|$)", command)
        words = (
            {letter: Decimal(value) for letter, value in WORD.findall(command[name.end() :])} if name else {}
        )
        if name and name[0] in ("G0", "G1", "G2", "G3"):
            end = list(at)
            for axis, letter in enumerate("XYZ"):
                if letter in words:
                    end[axis] = words[letter] if absolute else at[axis] + words[letter]
            e = Decimal(0)
            if "E" in words:
                e = words["E"] - logical_e if counted else words["E"]
                logical_e = words["E"] if counted else logical_e + e
            feed = words.get("F", feed)
            centre = None
            if name[0] in ("G2", "G3"):
                centre = tuple(float(at[n] + words.get(letter, 0)) for n, letter in enumerate("IJ"))
            step = Step(tuple(at), tuple(end), e, feed, tool, centre, name[0] == "G2")
            if step.start != step.end or step.e or centre:
                found.stretches[-1].append(step)
            at = end
            continue
        if name and name[0] == "G92":
            for axis, letter in enumerate("XYZ"):
                at[axis] = words.get(letter, at[axis])
            logical_e = words.get("E", logical_e)
        elif name and name[0] in ("G90", "G91"):
            absolute = name[0] == "G90"
            counted = absolute if e_follows_axes else counted
        elif name and name[0] in ("M82", "M83"):
            counted = name[0] == "M82"
        elif name and name[0] == "G28":
            at = [Decimal(0)] * 3
        elif name and name[0][0] == "T":
            tool = int(name[0][1:])
        found.commands.append((" ".join(command.split()), tuple(at), logical_e if counted else None, feed))
        found.stretches.append([])
    return found


@dataclass(frozen=True)
class Arc:
    """A step of a copy that took the place of several. strays: mm, the most that it and they are apart."""

    lines: int
    strays: float


def arcs_of_same_print(before: bytes, after: bytes, *, e_follows_axes: bool = False) -> list[Arc]:
    """Fails unless a copy prints what its original does; the arcs that took the place of straight lines.

    Commands must be the same, and come at the same places, amounts and feed rates. So must be all moves but
    those that became arcs; these must begin and end, and take filament, as what they stand for.
    """
    was, now = read(before, e_follows_axes), read(after, e_follows_axes)
    assert now.commands == was.commands
    assert now.filament() == was.filament()
    arcs = []
    for old, new in zip(was.stretches, now.stretches, strict=True):
        old = list(reversed(old))
        for step in new:
            replaced = [old.pop()]
            while replaced[-1].end != step.end or sum(each.e for each in replaced) != step.e:
                assert old, f"nothing of the original ends as {step}"
                replaced.append(old.pop())
            if replaced == [step]:
                continue
            assert step.centre is not None
            assert replaced[0].start == step.start
            assert all(each.centre is None and each.e > 0 for each in replaced)
            assert {(each.feed, each.tool, each.end[2]) for each in replaced} == {
                (step.feed, step.tool, step.start[2])
            }
            arcs.append(Arc(len(replaced), _apart(step, replaced)))
        assert not old
    return arcs


def _apart(arc: Step, lines: list[Step]) -> float:
    """The most that points of an arc are away from the lines, and points of the lines from its circle."""
    corners = [_flat(lines[0].start), *(_flat(line.end) for line in lines)]
    radius = math.dist(corners[0], arc.centre)
    between = [point for line in lines for point in line.points(max(0.1, line.length / 4))]
    return max(
        _strays(arc.points(0.1), corners),
        *(abs(math.dist(point, arc.centre) - radius) for point in between),
    )


def _strays(points: list[tuple[float, float]], path: list[tuple[float, float]]) -> float:
    """How far the point that is farthest from a path is from it. The points go along it."""
    most, here = 0.0, 0
    for point in points:
        near = _from_line(point, path[here], path[here + 1])
        while here + 2 < len(path) and (next_ := _from_line(point, path[here + 1], path[here + 2])) <= near:
            here, near = here + 1, next_
        most = max(most, near)
    return most


def _flat(place: tuple) -> tuple[float, float]:
    return float(place[0]), float(place[1])


def _from_line(point: tuple, start: tuple, end: tuple) -> float:
    (px, py), (ax, ay), (bx, by) = point, start, end
    square = (bx - ax) ** 2 + (by - ay) ** 2
    share = max(0.0, min(1.0, ((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / square)) if square else 0.0
    return math.hypot(px - ax - share * (bx - ax), py - ay - share * (by - ay))
