"""PrusaSlicer, and SuperSlicer, which says it in the same words (read in a public file of 2.2, none at hand).

`; filament used [mm] = 734.45, 759.54` and such below the moves, then every setting as `; key = value`.
"""

from __future__ import annotations

from farm.domain.analysis import Filament, Layers, Temperatures
from farm.files.containers.printable import Printable
from farm.files.slicers.remarks import MOST_TOOLS, Remarks, numbers, word
from farm.files.slicers.told import (
    HOTTEST_BED,
    HOTTEST_NOZZLE,
    MOST_CM3,
    MOST_G,
    MOST_MM,
    WIDEST_NOZZLE,
    Told,
    claimed,
    duration,
    filament,
    layers,
    of_tool,
    printing_tool,
)


def read(file: Printable) -> Told:
    """What stands in the settings and in the summary."""
    said = file.said
    used = filament(
        numbers(said.setting("filament used [mm]"), MOST_MM),
        numbers(said.setting("filament used [cm3]"), MOST_CM3),
        numbers(said.setting("filament used [g]"), MOST_G),
        materials(said),
    )
    return told(
        said,
        used,
        time(said),
        layers(height=said.setting("layer_height"), first=said.setting("first_layer_height")),
        temperatures(said, printing_tool(used)),
    )


def told(
    said: Remarks,
    used: tuple[Filament, ...] | None,
    time: str,
    heights: Layers,
    heated: Temperatures,
) -> Told:
    """What it and its heirs say each in their way, beside what all of them say alike."""
    return Told(
        printer_model=word(said.setting("printer_model")),
        firmware=word(said.setting("gcode_flavor").lower()),
        time_s=duration(time),
        filament=used,
        layers=heights,
        temperatures=heated,
        nozzle_mm=of_tool(said.setting("nozzle_diameter"), printing_tool(used), WIDEST_NOZZLE) or None,
        doubts=claimed(time, duration(time)),
    )


def time(said: Remarks) -> str:
    """In its words."""
    return said.setting("estimated printing time (normal mode)", "estimated printing time")


def materials(said: Remarks) -> list[str | None]:
    """Of each tool."""
    text = said.setting("filament_type")
    return [word(material) for material in text.split(";")[:MOST_TOOLS]] if text else []


def temperatures(said: Remarks, tool: int) -> Temperatures:
    """Of a tool; the bed has one for each filament."""
    return Temperatures(
        of_tool(said.setting("first_layer_temperature"), tool, HOTTEST_NOZZLE),
        of_tool(said.setting("temperature"), tool, HOTTEST_NOZZLE),
        of_tool(said.setting("first_layer_bed_temperature"), tool, HOTTEST_BED),
        of_tool(said.setting("bed_temperature"), tool, HOTTEST_BED),
    )
