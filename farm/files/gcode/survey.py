"""Read a G-code text once, from its first byte to its last, and tell what it makes a printer do."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedIOBase
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from farm.domain.analysis import Box, Danger, Layers, Temperatures
from farm.files.gcode.kernel.read import read_piece
from farm.files.gcode.kernel.scan import LEVEL, MARKED, NOTHING, PART, PIECE, PRINTED, new_scan
from farm.files.gcode.kernel.text import LF, LONGEST_COMMAND
from farm.files.gcode.machine import Machine
from farm.files.gcode.policy import OUTSIDE, RULES, When


@dataclass(frozen=True, slots=True)
class Time:
    """Seconds. moves: with waits (G4) and tool changes, which are told apart too; without heating."""

    moves: float
    waits: float
    tool_changes: float
    heating: float


@dataclass(frozen=True, slots=True)
class Survey:
    """What a G-code text makes a printer do.

    moves: lines that move the nozzle; extruding_moves: those of them that push filament. retractions: how
    often it is pulled back. filament_mm: of each tool, the furthest that its filament is ever pushed; this
    is how PrusaSlicer counts it. printed: the box of all that is drawn; model: of the part alone, without
    skirts, brims, supports, towers and scripts; None where the slicer does not name what it draws. layers:
    by the slicer's marks, else by the heights at which is drawn. temperatures: those in force as the first
    layer begins, and as the second ends. minutes_left: what the first M73 promises. minute_lines: at which
    line each minute of printing begins. unread, bad_arcs, unknown_tools: what was no G-code, with the first
    line of it where that is kept.
    """

    lines: int
    moves: int
    extruding_moves: int
    arcs: int
    retractions: int
    tool_changes: int
    pauses: int
    filament_changes: int
    progress_lines: int
    minutes_left: float | None
    filament_mm: tuple[float, ...]
    printed: Box | None
    model: Box | None
    layers: Layers
    temperatures: Temperatures
    time_s: Time
    minute_lines: NDArray[np.int64]
    dangerous: tuple[Danger, ...]
    more_dangers: int
    volumetric: bool
    unread: int
    first_unread: int
    bad_arcs: int
    first_bad_arc: int
    unknown_tools: int
    too_long: int


def survey(
    text: BinaryIO, machine: Machine | None = None, tell: Callable[[int], None] = lambda read: None
) -> Survey:
    """Read `text` to its end; memory is the same for every size.

    machine: what the printer may do; Marlin's own example without one. tell: is called with the bytes read
    so far, after each piece. Raises what reading raises. Nothing in a text is an error: what is no G-code is
    passed over and counted.
    """
    scan = new_scan(machine or Machine())
    pieces = _Pieces(text, scan["text"][0])
    while (end := pieces.more()) > 0:
        read_piece(scan, 0, end, False)
        tell(pieces.read)
    read_piece(scan, 0, 0, True)
    return _survey(scan[0], pieces.too_long)


Draw = Callable[[NDArray[np.float64], NDArray[np.uint8]], None]
"""Takes moves that draw: from and to, shape (n, 6), mm, and their roles, shape (n,); lent for the call."""


def read_strokes(text: BinaryIO, draw: Draw) -> None:
    """Read `text` for a picture of what it draws; `draw` is handed some thousand moves at once.

    Raises what reading raises.
    """
    scan = new_scan(Machine())
    reader = scan["reader"][0]
    pieces = _Pieces(text, scan["text"][0])
    reader["strokes"] = 0
    while (end := pieces.more()) > 0:
        at = 0
        while at < end:
            at = read_piece(scan, at, end, False)
            count = int(reader["strokes"])
            draw(scan["strokes"][0, :count], scan["stroke_roles"][0, :count])
            reader["strokes"] = 0


class _Pieces:
    """Whole lines of a text, piece by piece, in one buffer.

    A line that fills a whole piece is cut to what is read of any command, and the rest of it passed over.
    read: bytes, so far. too_long: lines that were cut.
    """

    def __init__(self, text: BinaryIO, lines: NDArray[np.uint8]) -> None:
        self._read_into = cast(BufferedIOBase, text).readinto  # all streams of bytes have it
        self._view = lines.data
        self._filled = 0
        self._given = 0  # bytes at the front that were given out
        self._ended = False
        self.read = 0
        self.too_long = 0

    def more(self) -> int:
        """Bring up the next lines; how many bytes they take, 0 when there are no more."""
        self._drop(0, self._given)
        self._fill()
        if (end := self._end_of_lines()) == 0 and not self._ended:
            self._cut_line()
            end = self._end_of_lines()
        self._given = end
        if end == self._filled:
            self._view[end] = LF
        return end

    def _fill(self) -> None:
        begun = self.read == 0
        while self._filled < PIECE and not self._ended:
            count = self._read_into(self._view[self._filled : PIECE])
            self._ended = count == 0
            self._filled += count
            self.read += count
        if begun and bytes(self._view[: len(BOM_UTF8)]) == BOM_UTF8:
            self._drop(0, len(BOM_UTF8))

    def _end_of_lines(self) -> int:
        if self._ended:
            return self._filled
        for window in (LONGEST_COMMAND, PIECE):
            begin = max(0, self._filled - window)
            if (found := bytes(self._view[begin : self._filled]).rfind(b"\n")) >= 0:
                return begin + found + 1
        # a carriage return that is last may belong to a line feed that is still to come
        return bytes(self._view[: self._filled - 1]).rfind(b"\r") + 1

    def _cut_line(self) -> None:
        """The whole buffer is one line, and that is not all of it."""
        self.too_long += 1
        while not self._ended:
            text = bytes(self._view[: self._filled])
            ends = [text.find(end, LONGEST_COMMAND) for end in (b"\n", b"\r")]
            self._drop(LONGEST_COMMAND, min((end for end in ends if end >= 0), default=self._filled))
            if self._filled > LONGEST_COMMAND:
                break
            self._fill()
        self._fill()

    def _drop(self, begin: int, end: int) -> None:
        rest = self._view[end : self._filled]
        self._view[begin : begin + len(rest)] = rest
        self._filled -= end - begin


def _survey(scan: Any, too_long: int) -> Survey:
    reader, found, motion = scan["reader"], scan["found"], scan["motion"]
    kind = MARKED if scan["layers"][MARKED]["count"] > 0 else LEVEL
    layer = scan["layers"][kind]
    return Survey(
        lines=int(reader["line"]) - 1,
        moves=int(found["moves"]),
        extruding_moves=int(found["extruding"]),
        arcs=int(found["arcs"]),
        retractions=int(found["retractions"]),
        tool_changes=int(found["tool_changes"]),
        pauses=int(found["pauses"]),
        filament_changes=int(found["filament_changes"]),
        progress_lines=int(found["progress_lines"]),
        minutes_left=_known(found["minutes_left"]),
        filament_mm=_filament(scan),
        printed=_box(scan["boxes"][PRINTED]),
        model=_box(scan["boxes"][PART]) if found["named_roles"] else None,
        layers=_layers(layer, scan["steps"][kind]),
        temperatures=Temperatures(
            *(_known(layer[name]) for name in ("nozzle_first", "nozzle", "bed_first", "bed"))
        ),
        time_s=Time(*(round(float(motion[name]), 3) for name in ("seconds", "waits", "changes", "heating"))),
        minute_lines=scan["minutes"][: motion["minutes"]].copy(),
        dangerous=tuple(_danger(danger) for danger in scan["dangers"][: found["dangers"]]),
        more_dangers=int(found["more_dangers"]),
        volumetric=bool(found["volumetric"]),
        unread=int(found["unread"]),
        first_unread=int(found["first_unread"]),
        bad_arcs=int(found["bad_arcs"]),
        first_bad_arc=int(found["first_bad_arc"]),
        unknown_tools=int(found["no_tool"]),
        too_long=too_long,
    )


def _known(value: float) -> float | None:
    return None if value == NOTHING else float(value)


def _filament(scan: Any) -> tuple[float, ...]:
    """As far as the last tool that used any."""
    used = [round(float(mm), 5) for mm in scan["tools"]["used"]]
    while used and used[-1] <= 0:
        used.pop()
    return tuple(used)


def _box(box: NDArray[np.float64]) -> Box | None:
    if not np.isfinite(box).all():
        return None
    (x0, y0, z0), (x1, y1, z1) = np.round(box, 4).tolist()
    return Box((x0, x1), (y0, y1), (z0, z1))


def _layers(layer: Any, steps: Any) -> Layers:
    """height: the rise that most of them have."""
    if layer["count"] == 0:
        return Layers()
    most = steps[steps["count"].argmax()]
    height = float(most["micrometres"]) / 1000 if most["count"] else None
    return Layers(int(layer["count"]), height, round(float(layer["first_z"]), 4))


def _danger(danger: Any) -> Danger:
    rule, line = RULES[danger["rule"]], int(danger["line"])
    if danger["rule"] == OUTSIDE:
        return Danger(line, f"move to Z{danger['value']:g}", rule.why)
    degc = f" S{danger['value']:g}" if rule.when in (When.NOZZLE_TOO_HOT, When.BED_TOO_HOT) else ""
    return Danger(line, rule.command + degc, rule.why)
