"""Cura: a header of `;KEY:value`. Its window puts true values there, CuraEngine alone leaves placeholders."""

from __future__ import annotations

from dataclasses import replace

from farm.domain.analysis import Temperatures
from farm.files.containers.printable import Printable
from farm.files.slicers.heating import heated_to
from farm.files.slicers.remarks import Remarks, number, word
from farm.files.slicers.told import (
    HOTTEST_BED,
    HOTTEST_NOZZLE,
    LONGEST_PRINT_S,
    MOST_CM3,
    MOST_MM,
    WIDEST_NOZZLE,
    Amounts,
    Told,
    claimed,
    filament,
    layers,
    printing_tool,
)

UNKNOWN_TIME = "6666"  # seconds: what stands in the place of a time that is not known yet
MOST_TRAINS = 16


def read(file: Printable) -> Told:
    """The header, and what is counted along at the end of each layer."""
    said = file.said
    used = filament(_metres(said.label("Filament used"))) or filament(cm3=_volumes(said))
    tool = printing_tool(used)
    time_s, doubts = _time(file)
    return Told(
        printer_model=word(said.label("TARGET_MACHINE.NAME")),
        firmware=word(said.label("FLAVOR").lower()),
        time_s=time_s,
        filament=used,
        layers=layers(said.label("LAYER_COUNT"), said.label("Layer height")),
        temperatures=_temperatures(file, tool),
        nozzle_mm=number(said.label(f"EXTRUDER_TRAIN.{tool}.NOZZLE.DIAMETER"), WIDEST_NOZZLE) or None,
        doubts=doubts,
    )


def _time(file: Printable) -> tuple[float | None, tuple[str, ...]]:
    """Seconds, and what is to be doubted."""
    label = file.said.label("TIME", "PRINT.TIME")
    if label not in ("", UNKNOWN_TIME):
        found = number(label, LONGEST_PRINT_S, least=1)
        return found, claimed(label, found)
    # Its own count at the end of each layer: the last one is the whole, those in front are not.
    return number(Remarks(file.ends.foot).label("TIME_ELAPSED"), LONGEST_PRINT_S, least=1), ()


def _metres(text: str) -> Amounts:
    """`1.36475m, 0.5m` in millimetres. All zero is what stands there before it is known."""
    lengths = [number(one.strip().removesuffix("m"), MOST_MM / 1000) for one in text.split(",")[:MOST_TRAINS]]
    return [length and round(length * 1000, 3) for length in lengths] if any(lengths) else []


def _volumes(said: Remarks) -> Amounts:
    """From cubic millimetres, for printers of UltiMaker."""
    texts = [said.label(f"EXTRUDER_TRAIN.{tool}.MATERIAL.VOLUME_USED") for tool in range(MOST_TRAINS)]
    volumes = [number(text, MOST_CM3 * 1000, least=1) for text in texts]
    while volumes and volumes[-1] is None:
        volumes.pop()
    return [volume and volume / 1000 for volume in volumes]


def _temperatures(file: Printable, tool: int) -> Temperatures:
    train = file.said.label(f"EXTRUDER_TRAIN.{tool}.INITIAL_TEMPERATURE")
    plate = file.said.label("BUILD_PLATE.INITIAL_TEMPERATURE")
    said = Temperatures(nozzle_first=number(train, HOTTEST_NOZZLE), bed_first=number(plate, HOTTEST_BED))
    heated = heated_to(file.ends.head, tool)
    return replace(
        said,
        nozzle_first=heated.nozzle_first if said.nozzle_first is None else said.nozzle_first,
        bed_first=heated.bed_first if said.bed_first is None else said.bed_first,
    )
