"""All that is known of a G-code text: what its slicer says, and what its moves show.

Who is believed:

* the moves: boxes, counts, layers, temperatures that are set, and the time from the model of motion;
* the slicer: its own time, the filament and its weight, and everything no move tells: names, materials,
  the nozzle, the nominal height of a layer;
* where one says nothing, the other. Where both tell how much filament is used and are far apart, the moves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import zip_longest

from farm.domain.analysis import BoundingBox, Filament, GcodeAnalysis, Layers, PrintTime, Temperatures
from farm.files.containers.printable import Printable
from farm.files.gcode.machine import Machine, machine_of
from farm.files.gcode.survey import Survey, survey
from farm.files.slicers.metadata import describe
from farm.files.slicers.remarks import Remarks, numbers

FAR_APART = 0.05  # of the filament; a wipe tower's loading and unloading makes 0.014
LITTLE_MM = 50.0  # of filament: a purge line that the slicer did not count
LONGEST_PRINT_S = 366 * 86_400.0


def analyse_gcode(
    file: Printable, machine: Machine | None = None, tell: Callable[[int], None] = lambda read: None
) -> GcodeAnalysis:
    """Read the whole text. machine: as the file's own settings describe it, without one.

    tell: is called with the bytes read so far. Raises Invalid for what is no G-code, and what reading does.
    """
    said = describe(file)
    found = survey(file.text, machine or machine_of(file.said, said.firmware), tell)
    filament, doubts = _filament(said.filament or (), found.filament_mm, file.said)
    return replace(
        said,
        time_s=_time(said.time_s.slicer, found),
        filament=filament or None,
        bounding_box=BoundingBox(found.printed, found.model),
        layers=_layers(said.layers, found.layers),
        temperatures=_temperatures(said.temperatures, found.temperatures),
        moves=found.moves,
        extruding_moves=found.extruding_moves,
        retractions=found.retractions,
        tool_changes=found.tool_changes,
        filament_changes=found.filament_changes,
        pauses=found.pauses,
        dangerous=found.dangerous,
        warnings=(*said.warnings, *doubts, *_warnings(found)),
    )


def _time(slicer: float | None, found: Survey) -> PrintTime:
    """A slicer that sums up nowhere may still have said with the first M73 how long it takes."""
    if slicer is None and found.minutes_left:
        slicer = found.minutes_left * 60
    motion = found.time_s.moves if 0 < found.time_s.moves <= LONGEST_PRINT_S else None
    return PrintTime(slicer, motion, found.time_s.heating or None)


def _filament(
    told: tuple[Filament, ...], pushed: tuple[float, ...], said: Remarks
) -> tuple[tuple[Filament, ...], list[str]]:
    """Of each tool, and what is to be doubted."""
    by_tool = {filament.tool: filament for filament in told}
    diameters = numbers(said.setting("filament_diameter"), 10)
    densities = numbers(said.setting("filament_density"), 100)
    used, doubts = [], []
    for tool, (mm, diameter, density) in enumerate(zip_longest(pushed, diameters, densities)):
        filament = by_tool.pop(tool, Filament(tool))
        if mm is None and filament == Filament(tool):
            continue
        if filament.mm is not None and mm is not None and _far_apart(filament.mm, mm):
            doubts.append(
                f"the file speaks of {filament.mm / 1000:.2f} m of filament, its moves take {mm / 1000:.2f} m"
            )
            filament = replace(filament, mm=None, cm3=None, g=None)
        if filament.mm is None and mm is not None:
            filament = _measured(filament, round(mm, 3), diameter, density)
        used.append(filament)
    return tuple(sorted((*used, *by_tool.values()), key=lambda filament: filament.tool)), doubts


def _far_apart(told: float, pushed: float) -> bool:
    return abs(told - pushed) > max(LITTLE_MM, FAR_APART * told)


def _measured(filament: Filament, mm: float, diameter: float | None, density: float | None) -> Filament:
    """The volume and the weight are known where the slicer has told the thickness and the density."""
    cm3 = mm * math.pi * diameter**2 / 4 / 1000 if diameter else None
    grams = cm3 * density if cm3 is not None and density else None
    return replace(
        filament,
        mm=mm,
        cm3=filament.cm3 if cm3 is None else round(cm3, 2),
        g=filament.g if grams is None else round(grams, 2),
    )


def _layers(told: Layers, drawn: Layers) -> Layers:
    return Layers(
        told.count if drawn.count is None else drawn.count,
        drawn.height_mm if told.height_mm is None else told.height_mm,
        drawn.first_height_mm if told.first_height_mm is None else told.first_height_mm,
    )


def _temperatures(told: Temperatures, set_: Temperatures) -> Temperatures:
    return Temperatures(
        told.nozzle_first if set_.nozzle_first is None else set_.nozzle_first,
        told.nozzle if set_.nozzle is None else set_.nozzle,
        told.bed_first if set_.bed_first is None else set_.bed_first,
        told.bed if set_.bed is None else set_.bed,
    )


def _warnings(found: Survey) -> list[str]:
    said = []
    if found.moves == 0:
        said.append("nothing in this file moves the printer")
    if found.unread:
        said.append(
            f"{_times(found.unread)} something stands where a number should be, first in line "
            f"{found.first_unread}; what a printer makes of that is up to its firmware"
        )
    if found.bad_arcs:
        said.append(
            f"{_times(found.bad_arcs)} the numbers of an arc make none, first in line {found.first_bad_arc}; "
            "it was taken for a straight line"
        )
    if found.too_long:
        said.append(f"{_times(found.too_long)} a line is far longer than any printer reads")
    if found.volumetric:
        said.append("this file counts filament as a volume (M200); few printers are set up for that")
    if found.unknown_tools:
        said.append(f"{_times(found.unknown_tools)} a tool is asked for that no printer has")
    if found.more_dangers:
        said.append(f"{found.more_dangers} more dangerous commands are not listed")
    return said


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
