"""ideaMaker: `;Filament Type #1: PLA` in front, `;Material#1 Used: 868.0` below.

After what public programs read of its files; none of a real ideaMaker was at hand.
"""

from __future__ import annotations

import math

from farm.domain.analysis import Layers
from farm.files.containers.printable import Printable
from farm.files.slicers.heating import heated_to
from farm.files.slicers.remarks import Remarks, number, word
from farm.files.slicers.told import (
    LONGEST_PRINT_S,
    MOST_MM,
    THICKEST_LAYER,
    WIDEST_NOZZLE,
    Told,
    claimed,
    filament,
    printing_tool,
)

TOOLS = range(1, 5)  # as it counts them
THICKEST_FILAMENT, DENSEST_FILAMENT = 10.0, 25_000.0  # mm, g/l


def read(file: Printable) -> Told:
    """Weights are reckoned from its density, as it does itself."""
    said = file.said
    lengths = [number(said.label(f"Material#{tool} Used"), MOST_MM) for tool in TOOLS]
    materials = [word(said.label(f"Filament Type #{tool}")) for tool in TOOLS]
    while lengths and lengths[-1] is None and materials[-1] is None:
        lengths.pop()
        materials.pop()
    grams = [_grams(said, tool, length) for tool, length in zip(TOOLS, lengths, strict=False)]
    used = filament(lengths, (), grams, materials)
    tool = printing_tool(used)
    time = said.label("Print Time")
    time_s = number(time, LONGEST_PRINT_S, least=1)
    return Told(
        printer_model=word(said.label("Printer Type").partition(" - ")[0]),
        time_s=time_s,
        filament=used,
        layers=_layers(said),
        temperatures=heated_to(file.ends.head, tool),
        nozzle_mm=_nozzle(said, tool),
        doubts=claimed(time, time_s),
    )


def _grams(said: Remarks, tool: int, length: float | None) -> float | None:
    diameter = number(said.label(f"Filament Diameter #{tool}"), THICKEST_FILAMENT, least=0.1)
    density = number(said.label(f"Filament Density #{tool}"), DENSEST_FILAMENT, least=100)
    if length is None or diameter is None or density is None:
        return None
    return round(math.pi / 4 * diameter**2 * length * density / 1e6, 2)


def _layers(said: Remarks) -> Layers:
    """`;HEIGHT:0.300` at the first two layers."""
    told = [line.partition(":")[2] for line in said.lines if line.startswith("HEIGHT:")][:2]
    heights = [number(text, THICKEST_LAYER, least=0.001) for text in told]
    return Layers(None, heights[1] if len(heights) > 1 else None, heights[0] if heights else None)


def _nozzle(said: Remarks, tool: int) -> float | None:
    """`;Dimension: 305.000 305.000 605.000 0.400 0.400`: the printer's room, then each nozzle."""
    nozzles = said.label("Dimension").split()[3:]
    return (number(nozzles[tool], WIDEST_NOZZLE) or None) if tool < len(nozzles) else None
