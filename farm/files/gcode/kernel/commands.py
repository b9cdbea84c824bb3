"""What a line tells the printer to do, beside moving."""

from __future__ import annotations

import math
from typing import Any

from farm.files.gcode.kernel.dangers import check_rule, tell
from farm.files.gcode.kernel.junctions import REPRAP
from farm.files.gcode.kernel.moves import read_arc, read_move
from farm.files.gcode.kernel.scan import BED, NOTHING, ROOM
from farm.files.gcode.kernel.text import (
    DOT,
    EQUALS,
    E,
    G,
    P,
    R,
    S,
    T,
    X,
    begins_number,
    ends_line,
    hash_of,
    is_digit,
    read_name,
    read_number,
    read_words,
    skip_blanks,
)
from farm.files.gcode.policy import MOST_CODES
from farm.files.slicers.remarks import MOST_TOOLS
from farm.workers.kernels import kernel, part

LONGEST_WAIT = 86_400.0  # s
LEAST_ACCELERATION = 1.0  # mm/s^2
D = ord("D") - ord("A")
B = ord("B") - ord("A")
INCH = 25.4

# Klipper's commands in words, and what they name
PAUSE = hash_of("PAUSE")
SET_VELOCITY_LIMIT = hash_of("SET_VELOCITY_LIMIT")
SET_HEATER_TEMPERATURE = hash_of("SET_HEATER_TEMPERATURE")
ACTIVATE_EXTRUDER = hash_of("ACTIVATE_EXTRUDER")
ACCEL, VELOCITY = hash_of("ACCEL"), hash_of("VELOCITY")
CORNER, CRUISE = hash_of("SQUARE_CORNER_VELOCITY"), hash_of("MINIMUM_CRUISE_RATIO")
TO_DECEL, HEATER, TARGET = hash_of("ACCEL_TO_DECEL"), hash_of("HEATER"), hash_of("TARGET")
EXTRUDER, HEATER_BED = hash_of("EXTRUDER"), hash_of("HEATER_BED")
EXTRUDERS = tuple(hash_of(f"EXTRUDER{number}") for number in range(1, 8))


@part
def read_command(scan: Any, text: Any, at: int, letter: int) -> int:
    """A command of a letter and a number; `at` is at its number. Returns where it ends, or where it is not
    understood: what stands behind many commands is text, and text is never read as words."""
    code = 0
    while is_digit(text[at]) and code < 10_000:
        code = code * 10 + (text[at] - 48)
        at += 1
    if text[at] == DOT:  # G92.1, M862.3: none of these is known here
        return at
    if _needs_standstill(scan, letter, code):
        scan.motion.halts = 1
        return at
    if letter == T:
        _change_tool(scan, code)
        return at
    if letter == G:
        return _read_g(scan, text, at, code)
    return _read_m(scan, text, at, code)


@kernel
def _needs_standstill(scan: Any, letter: int, code: int) -> bool:
    """Whether moves are still on their way that the printer finishes before it takes this command."""
    if scan.motion.queued == 0:
        return False
    if letter == T:
        return bool(code != scan.reader.tool)
    if letter == G:
        return code == 4 or code == 28
    waits = code <= 1 or code == 25 or code == 109 or code == 190 or code == 226
    return waits or code == 400 or code == 600 or code == 601


@part
def _words(scan: Any, text: Any, at: int) -> tuple[int, int, int]:
    at, numbered, alone, unread = read_words(text, at, scan.words)
    if unread > 0:
        count_unread(scan, unread)
    return at, numbered, alone


@kernel
def count_unread(scan: Any, count: int) -> None:
    """Words that are none; the first line with one is kept."""
    found = scan.found
    if found.unread == 0:
        found.first_unread = scan.reader.line
    found.unread += count


# -- G


@part
def _read_g(scan: Any, text: Any, at: int, code: int) -> int:
    if code > 92 or (28 < code < 90) or (4 < code < 10):
        return at
    at, numbered, alone = _words(scan, text, at)
    if code <= 1:
        if alone:
            count_unread(scan, 1)
        read_move(scan, numbered)
    elif code <= 3:
        read_arc(scan, numbered, code == 2)
    else:
        _set_by_g(scan, code, numbered, alone)
    return at


@kernel
def _set_by_g(scan: Any, code: int, numbered: int, alone: int) -> None:
    reader = scan.reader
    if code == 4:
        _wait(scan, numbered)
    elif code == 10:
        _retract_or_heat(scan, numbered)
    elif code == 11:
        reader.retracted = 0
    elif 17 <= code <= 19:
        reader.plane = code - 17
    elif code == 20:
        reader.unit = INCH
    elif code == 21:
        reader.unit = 1.0
    elif code == 28:
        _home(scan, numbered | alone)
    elif code == 90:
        reader.relative = 0
    elif code == 91:
        reader.relative = 1
    elif code == 92:
        _call_here(scan, numbered)


@kernel
def _wait(scan: Any, numbered: int) -> None:
    """G4: S is in seconds, P in milliseconds."""
    seconds = 0.0
    if numbered & (1 << S):
        seconds = scan.words[S]
    elif numbered & (1 << P):
        seconds = scan.words[P] / 1000
    if seconds > 0:
        seconds = min(seconds, LONGEST_WAIT)
        scan.motion.seconds += seconds
        scan.motion.waits += seconds


@kernel
def _retract_or_heat(scan: Any, numbered: int) -> None:
    """G10 pulls the filament back; RepRapFirmware's G10 P S heats a tool."""
    reader = scan.reader
    if numbered & (1 << P):
        if numbered & (1 << S):
            _set_nozzle(scan, int(scan.words[P]), scan.words[S], False)
    elif not reader.retracted:
        reader.retracted = 1
        scan.found.retractions += 1


@kernel
def _home(scan: Any, axes: int) -> None:
    """To the zero of each axis that is named, and of all if none is. How long that takes nobody knows."""
    reader = scan.reader
    everything = not axes >> X & 7
    reader.drawing = 0
    for axis in range(3):
        if everything or axes >> (X + axis) & 1:
            reader.position[axis] = 0.0
            reader.origin[axis] = 0.0


@kernel
def _call_here(scan: Any, numbered: int) -> None:
    """G92: from now on this place is called so; the nozzle stays where it is."""
    reader = scan.reader
    if numbered & (1 << E):
        reader.e = scan.words[E] * reader.unit
    everything = not (numbered & (1 << E) or numbered >> X & 7)
    for axis in range(3):
        if everything:
            reader.origin[axis] = reader.position[axis]
        elif numbered >> (X + axis) & 1:
            reader.origin[axis] = reader.position[axis] - scan.words[X + axis] * reader.unit
    if everything:
        reader.e = 0.0


# -- T and M


@kernel
def _change_tool(scan: Any, tool: int) -> None:
    reader, motion = scan.reader, scan.motion
    if tool >= MOST_TOOLS:
        scan.found.no_tool += 1
        return
    if tool == reader.tool:
        return
    seconds = scan.tools[tool].load_s
    if scan.found.tool_changes > 0:  # before the first change nothing is loaded
        seconds += scan.tools[reader.tool].unload_s
    motion.seconds += seconds
    motion.changes += seconds
    scan.found.tool_changes += 1
    reader.tool = tool
    reader.drawing = 0


@kernel
def _read_m(scan: Any, text: Any, at: int, code: int) -> int:
    rule = scan.numbered[code] if code < MOST_CODES else 0
    if rule == 0 and not _is_known(code):
        return at
    at, numbered, alone = _words(scan, text, at)
    if rule > 0:
        check_rule(scan, rule - 1, numbered)
    if code < 200:
        _set_by_low_m(scan, code, numbered)
    else:
        _set_by_high_m(scan, code, numbered, alone)
    return at


@kernel
def _is_known(code: int) -> bool:
    """Whether its words are numbers that count here. Text stands behind others, such as M117."""
    if code < 200:
        return code <= 1 or code == 25 or code == 73 or code == 82 or code == 83
    limits = code == 201 or code == 203 or code == 204 or code == 205 or code == 566
    return limits or code in (200, 220, 221, 226, 568, 600, 601)


@kernel
def _set_by_low_m(scan: Any, code: int, numbered: int) -> None:
    reader, found = scan.reader, scan.found
    if code <= 1 or code == 25:
        _pause(scan)
    elif code == 73:
        found.progress_lines += 1
        if numbered & (1 << R) and found.minutes_left == NOTHING:
            found.minutes_left = scan.words[R]
    elif code == 82:
        reader.e_relative = 0
    elif code == 83:
        reader.e_relative = 1
    elif code in (104, 109) and numbered & (1 << S | 1 << R):
        tool = int(scan.words[T]) if numbered & (1 << T) else reader.tool
        degc = scan.words[S] if numbered & (1 << S) else scan.words[R]
        _set_nozzle(scan, tool, degc, code == 109)
    elif code in (140, 190) and numbered & (1 << S | 1 << R):
        degc = scan.words[S] if numbered & (1 << S) else scan.words[R]
        _set_heater(scan, BED, degc, scan.motion.bed_heats, code == 190)


@kernel
def _set_by_high_m(scan: Any, code: int, numbered: int, alone: int) -> None:
    reader, words = scan.reader, scan.words
    if code == 200:
        _set_filament_diameter(scan, numbered)
    elif code == 220:
        _set_feed_factor(reader, words, numbered, numbered | alone)
    elif code == 221:
        if numbered & (1 << S) and not numbered & (1 << T) and words[S] > 0:
            reader.flow = words[S] / 100
    elif code in (226, 601):
        _pause(scan)
    elif code == 600:
        scan.found.filament_changes += 1
    elif code == 568:
        if numbered & (1 << P) and numbered & (1 << S):
            _set_nozzle(scan, int(words[P]), words[S], False)
    else:
        _set_limits(scan, code, numbered)


@kernel
def _pause(scan: Any) -> None:
    scan.found.pauses += 1


@kernel
def _set_filament_diameter(scan: Any, numbered: int) -> None:
    """M200 D: from now on E is a volume. D0, or S0: it is a length again."""
    reader = scan.reader
    if numbered & (1 << S) and scan.words[S] == 0:
        reader.e_unit = 1.0
    elif numbered & (1 << D):
        diameter = scan.words[D] * reader.unit
        reader.e_unit = 4 / (math.pi * diameter * diameter) if diameter > 0 else 1.0
    if reader.e_unit != 1:
        scan.found.volumetric += 1


@kernel
def _set_feed_factor(reader: Any, words: Any, numbered: int, letters: int) -> None:
    if letters & (1 << B):
        reader.kept_feed_factor = reader.feed_factor
    if letters & (1 << R):
        reader.feed_factor = reader.kept_feed_factor
    elif numbered & (1 << S) and words[S] > 0:
        reader.feed_factor = words[S] / 100


# -- limits


@kernel
def _set_limits(scan: Any, code: int, numbered: int) -> None:
    motion, words = scan.motion, scan.words
    if code == 201:
        _set_axes(motion.max_acceleration, words, numbered, 1.0)
    elif code == 203:
        _set_axes(motion.max_speed, words, numbered, 1 / 60 if motion.model == REPRAP else 1.0)
    elif code == 566:
        _set_axes(motion.jerk, words, numbered, 1 / 60)
    elif code == 204:
        _set_acceleration(motion, words, numbered)
    elif code == 205:
        if numbered & (1 << X) and not numbered & (1 << (X + 1)):
            motion.jerk[1] = words[X]  # older firmwares have one for both
        _set_axes(motion.jerk, words, numbered, 1.0)
        if numbered & (1 << S):
            motion.min_print_speed = max(0.0, words[S])
        if numbered & (1 << T):
            motion.min_travel_speed = max(0.0, words[T])


@kernel
def _set_axes(limits: Any, words: Any, numbered: int, unit: float) -> None:
    for axis in range(3):
        if numbered >> (X + axis) & 1 and words[X + axis] > 0:
            limits[axis] = words[X + axis] * unit
    if numbered & (1 << E) and words[E] > 0:
        limits[3] = words[E] * unit


@kernel
def _set_acceleration(motion: Any, words: Any, numbered: int) -> None:
    """M204: S is for all moves in the older form, where T is for retractions; else P, R and T for travels."""
    if numbered & (1 << S):
        motion.acceleration = motion.travel_acceleration = max(LEAST_ACCELERATION, words[S])
        if numbered & (1 << T):
            motion.retract_acceleration = max(LEAST_ACCELERATION, words[T])
        return
    if numbered & (1 << P):
        motion.acceleration = max(LEAST_ACCELERATION, words[P])
    if numbered & (1 << R):
        motion.retract_acceleration = max(LEAST_ACCELERATION, words[R])
    if numbered & (1 << T):
        motion.travel_acceleration = max(LEAST_ACCELERATION, words[T])


# -- heat


@kernel
def _set_nozzle(scan: Any, tool: int, degc: float, wait: bool) -> None:
    if 0 <= tool < MOST_TOOLS:
        _set_heater(scan, tool, degc, scan.motion.nozzle_heats, wait)
    else:
        scan.found.no_tool += 1


@kernel
def _set_heater(scan: Any, which: int, degc: float, rate: float, wait: bool) -> None:
    """It heats at a steady rate from where it is, beside the moves and the other heaters."""
    motion, heater = scan.motion, scan.heaters[which]
    now = motion.seconds + motion.heating
    reached = min(heater.target, heater.was + rate * (now - heater.since))
    heater.was, heater.since, heater.target, heater.wished = reached, now, max(degc, ROOM), degc
    if wait and rate > 0:
        motion.heating += max(0.0, heater.target - reached) / rate


# -- Klipper's words


@kernel
def read_named(scan: Any, text: Any, at: int) -> int:
    """A command in words, with what it names: NAME KEY=value KEY=value."""
    name, at = read_name(text, at)
    if (name == PAUSE or name == ACTIVATE_EXTRUDER) and scan.motion.queued > 0:
        scan.motion.halts = 1
        return at
    for row in range(len(scan.named)):
        if scan.named[row, 0] == name:
            tell(scan, scan.named[row, 1], 0.0)
    if name == PAUSE:
        _pause(scan)
    elif name == SET_VELOCITY_LIMIT or name == SET_HEATER_TEMPERATURE or name == ACTIVATE_EXTRUDER:
        at = _read_pairs(scan, text, at, name)
    return at


@kernel
def _read_pairs(scan: Any, text: Any, at: int, name: int) -> int:
    heater, target = -1, NOTHING
    while not ends_line(text[at]):
        key, after = read_name(text, skip_blanks(text, at))
        if text[after] != EQUALS:
            at = after + 1 if not ends_line(text[after]) else after
            continue
        at = after + 1
        if begins_number(text[at]):
            value, at, good = read_number(text, at)
            if good and key == TARGET:
                target = value
            elif good and name == SET_VELOCITY_LIMIT:
                _set_velocity_limit(scan.motion, key, value)
        else:
            value_name, at = read_name(text, at)
            if key == HEATER or key == EXTRUDER:
                heater = _heater_called(value_name)
    if name == SET_HEATER_TEMPERATURE and heater == BED and target >= 0:
        _set_heater(scan, BED, target, scan.motion.bed_heats, False)
    elif name == SET_HEATER_TEMPERATURE and heater >= 0 and target >= 0:
        _set_nozzle(scan, heater, target, False)
    elif name == ACTIVATE_EXTRUDER and 0 <= heater < BED:
        _change_tool(scan, heater)
    return at


@kernel
def _set_velocity_limit(motion: Any, key: int, value: float) -> None:
    if value <= 0:
        return
    if key == ACCEL:
        motion.acceleration = motion.travel_acceleration = max(LEAST_ACCELERATION, value)
    elif key == VELOCITY:
        motion.max_speed[0] = motion.max_speed[1] = value
    elif key == CORNER:
        motion.square_corner_velocity = value
    elif key == CRUISE and value < 1:
        motion.minimum_cruise_ratio = value
    elif key == TO_DECEL:
        motion.minimum_cruise_ratio = 1 - min(1.0, value / motion.acceleration)


@kernel
def _heater_called(name: int) -> int:
    if name == HEATER_BED:
        return BED
    if name == EXTRUDER:
        return 0
    for at in range(len(EXTRUDERS)):
        if name == EXTRUDERS[at]:
            return at + 1
    return -1
