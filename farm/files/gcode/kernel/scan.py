"""What is kept while a file is read: where the nozzle is, what is set, what was counted, which moves wait.

Everything lies in one record, made here in Python and changed by the kernels, so that a file can be read in
pieces and a kernel needs no other memory. Lengths in mm, times in s, speeds in mm/s, degC.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from farm.files.gcode import policy, roles
from farm.files.gcode.kernel.text import LETTERS
from farm.files.gcode.machine import Machine
from farm.files.slicers.remarks import MOST_TOOLS

PIECE = 256 * 1024  # bytes of text read at once: with the queue they fit into a processor's second cache
BEHIND = 16  # bytes that a kernel may look at behind the last line
MOST_DANGERS = 100  # that are told; the others are counted
MOST_OF_A_RULE = 10
MOST_MINUTES = 60 * 24 * 7  # whose lines are kept
QUEUED = 4096  # moves planned together
MOST_STROKES = 4096  # moves that draw, handed on together
MOST_CHORDS = 1000  # moves that one arc becomes
ROOM = 20.0  # degC
FIRMWARE_SPEED = 25.0  # of a move before any F, in Marlin and Klipper

PRINTED, PART = 0, 1  # which box
MARKED, LEVEL = 0, 1  # layers by the slicer's marks, and by the height of what is drawn
BED = MOST_TOOLS  # the last of the heaters
NOTHING = -1.0
NOT_DRAWN = -1

_READER = np.dtype(
    [
        ("line", "i8"),
        ("position", "f8", (3,)),  # of the nozzle in the printer
        ("origin", "f8", (3,)),  # where the file's zero is, moved by G92
        ("e", "f8"),  # the file's own count of the extruder
        ("unit", "f8"),  # mm: 1, or 25.4 after G20
        ("e_unit", "f8"),  # mm of filament for one of E: after M200 E is a volume
        ("feed", "f8"),
        ("feed_factor", "f8"),  # M220
        ("kept_feed_factor", "f8"),
        ("flow", "f8"),  # M221
        ("relative", "i8"),  # G91
        ("e_relative", "i8"),  # M83
        ("plane", "i8"),  # of arcs: 0 XY, 1 ZX, 2 YZ
        ("tool", "i8"),
        ("role", "i8"),
        ("drawing", "i8"),  # whether the last move drew, in this role
        ("retracted", "i8"),
        ("strokes", "i8"),  # how many wait to be handed on; NOT_DRAWN where nobody makes a picture
    ],
    align=True,
)
_FOUND = np.dtype(
    [
        (name, "i8")
        for name in (
            *("moves", "extruding", "retractions", "arcs", "tool_changes", "pauses", "filament_changes"),
            *("progress_lines", "unread", "first_unread", "bad_arcs", "first_bad_arc", "named_roles"),
            *("volumetric", "no_tool", "dangers", "more_dangers"),
        )
    ]
    + [("minutes_left", "f8")],  # what the first M73 R says; NOTHING before
    align=True,
)
_LAYERS = np.dtype(
    [
        ("count", "i8"),
        ("begun", "i8"),  # a mark was read and nothing drawn since
        ("z", "f8"),  # of the layer that is being drawn
        ("first_z", "f8"),
        ("step", "f8"),  # the last rise
        ("nozzle_first", "f8"),
        ("nozzle", "f8"),
        ("bed_first", "f8"),
        ("bed", "f8"),
    ],
    align=True,
)
_MOTION = np.dtype(
    [
        ("model", "i8"),
        ("max_speed", "f8", (4,)),
        ("max_acceleration", "f8", (4,)),
        ("jerk", "f8", (4,)),
        ("acceleration", "f8"),
        ("retract_acceleration", "f8"),
        ("travel_acceleration", "f8"),
        ("junction_deviation", "f8"),
        ("square_corner_velocity", "f8"),
        ("minimum_cruise_ratio", "f8"),
        ("min_print_speed", "f8"),
        ("min_travel_speed", "f8"),
        ("halts", "i8"),  # a command waits until all that is queued is over
        ("standing", "i8"),  # whether the next move begins from standstill
        ("direction", "f8", (4,)),  # of the move before: its part in each axis for one mm
        ("speed", "f8"),  # that it wishes for
        ("was_kind", "i8"),
        ("safe", "f8"),  # the speed it may stop from at once
        ("entry2", "f8"),  # the square of the speed at which the first queued move begins
        ("queued", "i8"),
        ("seconds", "f8"),  # of the moves that are planned, of waits and of tool changes
        ("waits", "f8"),  # of G4, which are in `seconds`
        ("changes", "f8"),  # of tool changes, which are in `seconds`
        ("heating", "f8"),  # which is not
        ("nozzle_heats", "f8"),
        ("bed_heats", "f8"),
        ("minutes", "i8"),
        ("hottest_nozzle", "f8"),
        ("hottest_bed", "f8"),
        ("guarded", "i8"),  # whether the volume is known
        ("volume", "f8", (2, 3)),
    ],
    align=True,
)
_TOOL = np.dtype([("net", "f8"), ("used", "f8"), ("load_s", "f8"), ("unload_s", "f8")], align=True)
_HEATER = np.dtype(
    [
        ("wished", "f8"),  # NOTHING until somebody has said it
        ("target", "f8"),  # no lower than the room
        ("was", "f8"),  # when it was set,
        ("since", "f8"),  # at this time
    ],
    align=True,
)
_MOVE = np.dtype(
    [
        ("length", "f8"),
        ("acceleration", "f8"),
        ("cruise2", "f8"),  # squares of speeds: how fast it may become,
        ("corner2", "f8"),  # how fast it may begin,
        ("entry2", "f8"),  # and how fast it does
        ("top2", "f8"),  # how fast it may become where that is smoothed
        ("smooth_acceleration", "f8"),  # the last three are Klipper's
        ("smooth_corner2", "f8"),
        ("smooth_entry2", "f8"),
        ("line", "i8"),
    ],
    align=True,
)
_DANGER = np.dtype([("rule", "i8"), ("line", "i8"), ("value", "f8")], align=True)
MOST_STEPS = 64  # different rises from layer to layer
_STEP = np.dtype([("micrometres", "i8"), ("count", "i8")], align=True)


_SCAN = np.dtype(
    [
        ("text", "u1", (PIECE + BEHIND,)),  # the lines that are read
        ("reader", _READER),
        ("found", _FOUND),
        ("layers", _LAYERS, (2,)),  # MARKED and LEVEL
        ("steps", _STEP, (2, MOST_STEPS)),  # rises from layer to layer, by MARKED and LEVEL
        ("motion", _MOTION),
        ("tools", _TOOL, (MOST_TOOLS,)),
        ("heaters", _HEATER, (MOST_TOOLS + 1,)),  # of each tool, and BED
        ("boxes", "f8", (2, 2, 3)),  # PRINTED and PART; lowest and highest; x, y, z
        ("queue", _MOVE, (QUEUED,)),  # moves that are not planned yet
        ("strokes", "f8", (MOST_STROKES, 6)),  # moves that draw, from and to, for a picture
        ("stroke_roles", "u1", (MOST_STROKES,)),
        ("minutes", "i8", (MOST_MINUTES,)),  # the line at which each minute of printing begins
        ("dangers", _DANGER, (MOST_DANGERS,)),
        ("of_rule", "i8", (len(policy.RULES),)),  # how many times each rule was broken
        ("words", "f8", (LETTERS,)),
        ("point", "f8", (3,)),  # room for three numbers
        ("pen", "f8", (3,)),
        ("roles", "i8", roles.ROLES.shape),
        ("marks", "i8", roles.MARKS.shape),
        ("numbered", "i8", policy.NUMBERED.shape),
        ("named", "i8", policy.NAMED.shape),
        ("conditions", "i8", policy.CONDITIONS.shape),
    ],
    align=True,
)

Scan = NDArray[np.void]
"""One record of all that. Not several arrays: a kernel counts the references to each at every call."""


def new_scan(machine: Machine) -> Scan:
    """Before the first byte. shape (1,)."""
    scan = np.zeros(1, _SCAN)
    scan["reader"], scan["found"], scan["layers"] = _reader(), _found(), _layers()
    scan["motion"], scan["tools"], scan["heaters"] = _motion(machine), _tools(machine), _heaters()
    scan["boxes"] = [[[np.inf] * 3, [-np.inf] * 3]] * 2
    scan["roles"], scan["marks"] = roles.ROLES, roles.MARKS
    scan["numbered"], scan["named"] = policy.NUMBERED, policy.NAMED
    scan["conditions"] = policy.CONDITIONS
    return scan


def _reader() -> Any:
    reader = np.zeros(1, _READER)
    for name in ("line", "unit", "e_unit", "feed_factor", "kept_feed_factor", "flow"):
        reader[name] = 1
    reader["feed"] = FIRMWARE_SPEED
    reader["strokes"] = NOT_DRAWN
    return reader


def _found() -> Any:
    found = np.zeros(1, _FOUND)
    found["minutes_left"] = NOTHING
    return found


def _layers() -> Any:
    layers = np.zeros(2, _LAYERS)
    for name in ("nozzle_first", "nozzle", "bed_first", "bed"):
        layers[name] = NOTHING
    return layers


def _motion(machine: Machine) -> Any:
    motion = np.zeros(1, _MOTION)
    for name in _MOTION.names or ():
        if hasattr(machine, name) and name != "volume":
            motion[name] = getattr(machine, name)
    motion["standing"] = 1
    if machine.volume is not None:
        motion["guarded"] = 1
        motion["volume"] = np.array([machine.volume.x, machine.volume.y, machine.volume.z]).T
    return motion


def _tools(machine: Machine) -> Any:
    tools = np.zeros(MOST_TOOLS, _TOOL)
    for name, seconds in (("load_s", machine.load_s), ("unload_s", machine.unload_s)):
        tools[name][: len(seconds)] = seconds[:MOST_TOOLS]
    return tools


def _heaters() -> Any:
    heaters = np.zeros(MOST_TOOLS + 1, _HEATER)
    heaters["was"] = heaters["target"] = ROOM
    heaters["wished"] = NOTHING
    return heaters
