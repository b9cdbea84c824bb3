"""OrcaSlicer and Bambu Studio: PrusaSlicer's way with other names, and a summary in front.

After files and sources that are public; none of a real OrcaSlicer or Bambu Studio was at hand.
"""

from __future__ import annotations

from farm.domain.analysis import Temperatures
from farm.files.containers.printable import Printable
from farm.files.slicers import prusa
from farm.files.slicers.remarks import MOST_TOOLS, Remarks, numbers
from farm.files.slicers.told import (
    HOTTEST_BED,
    HOTTEST_NOZZLE,
    MOST_CM3,
    MOST_G,
    MOST_MM,
    Amounts,
    Told,
    filament,
    layers,
    of_tool,
    printing_tool,
)

# Which setting holds the temperature of the bed hangs on the plate that lies on it.
_PLATES = {
    "Cool Plate": "cool_plate_temp",
    "Engineering Plate": "eng_plate_temp",
    "High Temp Plate": "hot_plate_temp",
    "Textured PEI Plate": "textured_plate_temp",
    "Textured Cool Plate": "textured_cool_plate_temp",
    "Supertack Plate": "supertack_plate_temp",
}


def read(file: Printable) -> Told:
    """What stands in the two summaries, and in the settings."""
    said = file.said
    used = filament(
        numbers(said.setting("filament used [mm]"), MOST_MM)
        or _in_front(said, "total filament length [mm]", MOST_MM),
        numbers(said.setting("filament used [cm3]"), MOST_CM3),  # in front it writes mm^3 and calls them cm^3
        numbers(said.setting("filament used [g]"), MOST_G)
        or _in_front(said, "total filament weight [g]", MOST_G),
        prusa.materials(said),
    )
    return prusa.told(
        said,
        used,
        prusa.time(said) or said.label("model printing time").partition("total estimated time:")[2],
        layers(
            said.setting("total layers count") or said.label("total layer number"),
            said.setting("layer_height"),
            said.setting("initial_layer_print_height"),
        ),
        _temperatures(said, printing_tool(used)),
    )


def _in_front(said: Remarks, key: str, most: float) -> Amounts:
    """`; total filament weight [g] : 3.74,1.02` of the filaments that `; filament: 1,3` names, by tool."""
    amounts = numbers(said.label(key), most)
    used = [int(one) - 1 for one in numbers(said.label("filament"), MOST_TOOLS) if one]
    if len(used) != len(amounts):
        return amounts
    by_tool = dict(zip(used, amounts, strict=True))
    return [by_tool.get(tool, 0.0) for tool in range(max(used, default=-1) + 1)]


def _temperatures(said: Remarks, tool: int) -> Temperatures:
    bed = _PLATES.get(said.setting("curr_bed_type"), "hot_plate_temp")
    return Temperatures(
        of_tool(said.setting("nozzle_temperature_initial_layer"), tool, HOTTEST_NOZZLE),
        of_tool(said.setting("nozzle_temperature"), tool, HOTTEST_NOZZLE),
        of_tool(said.setting(f"{bed}_initial_layer"), tool, HOTTEST_BED),
        of_tool(said.setting(bed), tool, HOTTEST_BED),
    )
