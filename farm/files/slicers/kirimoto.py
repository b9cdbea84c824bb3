"""Kiri:Moto: settings as `; sliceHeight = 0.25` in front, `; --- print time: 5400s ---` below.

After its public source; no file of a real Kiri:Moto was at hand.
"""

from __future__ import annotations

from farm.domain.analysis import Temperatures
from farm.files.containers.printable import Printable
from farm.files.slicers.remarks import number
from farm.files.slicers.told import (
    HOTTEST_BED,
    HOTTEST_NOZZLE,
    MOST_MM,
    Told,
    claimed,
    duration,
    filament,
    layers,
)


def read(file: Printable) -> Told:
    """The length it counts is that of all tools together."""
    said = file.said
    time = said.label("--- print time").rstrip(" -")
    length = said.label("--- filament used").rstrip(" -").removesuffix("mm")
    return Told(
        time_s=duration(time),
        filament=filament([number(length, MOST_MM)]),
        layers=layers(height=said.setting("sliceHeight"), first=said.setting("firstSliceHeight")),
        temperatures=Temperatures(
            number(said.setting("firstLayerNozzleTemp"), HOTTEST_NOZZLE),
            number(said.setting("outputTemp"), HOTTEST_NOZZLE),
            number(said.setting("firstLayerBedTemp"), HOTTEST_BED),
            number(said.setting("outputBedTemp"), HOTTEST_BED),
        ),
        doubts=claimed(time, duration(time)),
    )
