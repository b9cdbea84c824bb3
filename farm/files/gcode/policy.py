"""Commands a print file has no business with, and what to tell the people in the shop about each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from farm.files.gcode.roles import table


class When(IntEnum):
    """What makes the command dangerous. Decided by the kernel, which sees the words."""

    ALWAYS = 1
    WITH_NUMBERS = 2  # without any it only tells what is set
    NOZZLE_TOO_HOT = 3
    BED_TOO_HOT = 4
    COLD_ALLOWED = 5  # M302 P1, or a temperature under 170 degC
    SWITCHED_OFF = 6  # S0


@dataclass(frozen=True, slots=True)
class Rule:
    """command: as it is shown."""

    command: str
    why: str
    when: When = When.ALWAYS


_HOT = "heats the nozzle hotter than this printer may"
_HOT_BED = "heats the bed hotter than this printer may"
_KEPT = "changes a setting of the printer that stays changed after the print"

RULES = (
    Rule("M104", _HOT, When.NOZZLE_TOO_HOT),
    Rule("M109", _HOT, When.NOZZLE_TOO_HOT),
    Rule("M140", _HOT_BED, When.BED_TOO_HOT),
    Rule("M190", _HOT_BED, When.BED_TOO_HOT),
    Rule("M500", "writes the printer's settings into its memory for good"),
    Rule("M501", "throws away settings that were changed and not saved"),
    Rule("M502", "resets the printer to the settings of the factory"),
    Rule("M505", "wipes the printer's memory"),
    Rule("M112", "is the emergency stop: the printer halts and has to be restarted"),
    Rule("M999", "restarts the printer after a stop that somebody should have looked at"),
    Rule("M997", "replaces the printer's firmware"),
    Rule("M302", "lets the extruder push with a cold nozzle, which grinds the filament", When.COLD_ALLOWED),
    Rule("M303", "tunes a heater, which heats it far up and down again and again"),
    Rule("M301", f"sets how the nozzle is heated; {_KEPT}", When.WITH_NUMBERS),
    Rule("M304", f"sets how the bed is heated; {_KEPT}", When.WITH_NUMBERS),
    Rule("M92", f"sets the steps per millimetre; {_KEPT}", When.WITH_NUMBERS),
    Rule("M206", f"moves where home is; {_KEPT}", When.WITH_NUMBERS),
    Rule("M428", f"moves where home is; {_KEPT}"),
    Rule("M665", f"sets the printer's geometry; {_KEPT}", When.WITH_NUMBERS),
    Rule("M666", f"sets the printer's geometry; {_KEPT}", When.WITH_NUMBERS),
    Rule("M851", f"sets the height of the probe, so the nozzle may hit the bed; {_KEPT}", When.WITH_NUMBERS),
    Rule("M211", "switches the guard off that keeps the nozzle inside the printer", When.SWITCHED_OFF),
    Rule("M906", f"sets the current of the motors; {_KEPT}", When.WITH_NUMBERS),
    Rule("M907", f"sets the current of the motors; {_KEPT}", When.WITH_NUMBERS),
    Rule("M908", f"sets the current of the motors; {_KEPT}", When.WITH_NUMBERS),
    Rule("M28", "writes a file to the printer's card"),
    Rule("M30", "deletes a file from the printer's card"),
    Rule("M32", "starts another file from the printer's card"),
    Rule("M81", "switches the printer's power off"),
    Rule("M587", "changes the printer's wireless network"),
    Rule("M552", "changes the printer's network", When.WITH_NUMBERS),
    Rule("M575", "changes the speed of the printer's serial port", When.WITH_NUMBERS),
    Rule("SAVE_CONFIG", "writes the printer's settings for good and restarts it"),
    Rule("RESTART", "restarts the printer's software"),
    Rule("FIRMWARE_RESTART", "restarts the printer's firmware"),
    Rule("RUN_SHELL_COMMAND", "runs a program on the computer that drives the printer"),
    Rule("FORCE_MOVE", "moves a motor without knowing where it is"),
    Rule("SET_KINEMATIC_POSITION", "makes the printer believe it is somewhere it may not be"),
    Rule("PID_CALIBRATE", "tunes a heater, which heats it far up and down again and again"),
    Rule("moves", "leaves the room this printer prints in, or goes below its bed"),
)
"""The last one is found by where the nozzle goes, not by a command."""

OUTSIDE = len(RULES) - 1
MOST_CODES = 1024  # of the M commands that have a rule


def _numbered() -> NDArray[np.uint8]:
    """For each M command the number of its rule and one; 0 for none."""
    found = np.zeros(MOST_CODES, np.uint8)
    for at, rule in enumerate(RULES):
        if rule.command.startswith("M") and rule.command[1:].isdigit():
            found[int(rule.command[1:])] = at + 1
    return found


NUMBERED = _numbered()
NAMED = table(
    {
        rule.command: at
        for at, rule in enumerate(RULES)
        if rule.command.isupper() and not rule.command[1:].isdigit()
    }
)
CONDITIONS = np.array([rule.when for rule in RULES], np.int64)
