"""Simplify3D 4 and 5: settings as `;   layerHeight,0.2` in front, a summary below.

After what public programs read of its files; none of a real Simplify3D was at hand.
"""

from __future__ import annotations

from collections.abc import Iterator

from farm.domain.analysis import Temperatures
from farm.files.containers.printable import Printable
from farm.files.slicers.remarks import Remarks, number, word
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
)


def read(file: Printable) -> Told:
    """The summary holds sums, so they are taken for a tool's only where there is but one."""
    said = file.said
    settings = list(_settings(said))
    first = dict(reversed(settings))
    percent = first.get("firstLayerHeightPercentage", "")
    alone = "," not in first.get("extruderName", "")
    volume = _amount(said.label("Plastic volume", "Material Volume"), MOST_CM3 * 1000)
    time = said.label("Build time", "Build Time")
    return Told(
        time_s=duration(time),
        filament=filament(
            [_amount(said.label("Filament length", "Material Length"), MOST_MM)],
            [volume and round(volume / 1000, 3)],  # from mm^3
            [_amount(said.label("Plastic weight", "Material Weight"), MOST_G)],
            [word(first.get("printMaterial", ""))],
        )
        if alone
        else None,
        layers=layers(height=first.get("layerHeight", ""), first=percent and f"{percent}%"),
        temperatures=_by_name(first) if "temperatureName" in first else _by_controller(settings),
        nozzle_mm=of_tool(first.get("extruderDiameter", first.get("nozzleDiameter", "")), 0, WIDEST_NOZZLE)
        or None,
        doubts=claimed(time, duration(time)),
    )


def _settings(said: Remarks) -> Iterator[tuple[str, str]]:
    for line in said.lines:
        key, found, value = line.partition(",")
        if found and key.isalnum():
            yield key, value.strip()


def _amount(text: str, most: float) -> float | None:
    """`5610.0 mm (5.61 m)`."""
    return number(text.split(" ")[0], most)


def _by_name(settings: dict[str, str]) -> Temperatures:
    """Version 4: `temperatureName,Extruder 1,Heated Bed` and as many temperatures, where none changes."""
    names = settings["temperatureName"].split(",")
    degc = settings.get("temperatureSetpointTemperatures", "").split(",")
    by_name = dict(zip(names, degc, strict=False)) if len(names) == len(degc) else {}
    return Temperatures(
        nozzle_first=number(by_name.get("Extruder 1", by_name.get("Primary Extruder", "")), HOTTEST_NOZZLE),
        bed_first=number(by_name.get("Heated Bed", ""), HOTTEST_BED),
    )


def _by_controller(settings: list[tuple[str, str]]) -> Temperatures:
    """Version 5: a list for each heater, with `temperatureSetpoints,1|220` for layer 1."""
    heater, first = "", {"extruder": "", "platform": ""}
    for key, value in settings:
        if key == "temperatureType":
            heater = value
        elif key == "temperatureSetpoints" and first.get(heater) == "":
            first[heater] = value.partition("|")[2].split(",")[0].split("|")[0]
    return Temperatures(
        nozzle_first=number(first["extruder"], HOTTEST_NOZZLE),
        bed_first=number(first["platform"], HOTTEST_BED),
    )
