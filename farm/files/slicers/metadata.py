"""What the slicer itself says of a G-code file. Pure; the moves are not looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from farm.domain.analysis import GcodeAnalysis, PrintTime, Slicer, Thumbnail
from farm.errors import Invalid
from farm.files.containers import blocks
from farm.files.containers.printable import Printable
from farm.files.slicers import cura, ideamaker, kirimoto, orca, prusa, simplify3d, slic3r
from farm.files.slicers.ends import Ends
from farm.files.slicers.names import slicer_named
from farm.files.slicers.objects import objects_in
from farm.files.slicers.told import Told, together

Reader: TypeAlias = Callable[[Printable], Told]

READERS: Mapping[str, Reader] = {
    "PrusaSlicer": prusa.read,
    "SuperSlicer": prusa.read,
    "Slic3r": slic3r.read,
    "OrcaSlicer": orca.read,
    "BambuStudio": orca.read,
    "Cura": cura.read,
    "Simplify3D": simplify3d.read,
    "ideaMaker": ideamaker.read,
    "Kiri:Moto": kirimoto.read,
}
"""By the slicer's name. Others are most often heirs of one of these, so each is tried (see `_read`)."""

SUMMARISE = frozenset({"PrusaSlicer", "SuperSlicer", "Slic3r", "OrcaSlicer"})
"""They write below the moves how much filament these take, whatever it is."""

_COMMAND = re.compile(rb"(?:^|(?<=\r))[ \t]*(?:N\d+[ \t]*)?[GMT]\d", re.MULTILINE)
_PLACEHOLDER = re.compile(rb"\{([A-Za-z_]\w*)\}")
MOST_PLACEHOLDERS = 5


def describe(file: Printable) -> GcodeAnalysis:
    """What the slicer says. Raises Invalid for a file that is no G-code."""
    _require_gcode(file.ends)
    slicer = slicer_named(file.said)
    told = _read(file, slicer.name if slicer else "")
    return GcodeAnalysis(
        slicer=slicer,
        printer_model=told.printer_model,
        firmware=told.firmware,
        time_s=PrintTime(slicer=told.time_s),
        filament=told.filament,
        layers=told.layers,
        temperatures=told.temperatures,
        nozzle_mm=told.nozzle_mm,
        thumbnails=tuple(Thumbnail(one.width, one.height, "slicer") for one in file.pictures),
        warnings=(*file.warnings, *told.doubts, *_missing(slicer, told), *_unreplaced(file.ends)),
        objects=objects_in(file),
    )


def _read(file: Printable, slicer: str) -> Told:
    reader = READERS.get(slicer)
    return reader(file) if reader else together(read(file) for read in dict.fromkeys(READERS.values()))


def _missing(slicer: Slicer | None, told: Told) -> list[str]:
    if slicer is None or slicer.name not in SUMMARISE or told.filament is not None:
        return []
    return [f"the end of the file, where {slicer.name} sums up, is missing; was it cut off on its way?"]


def _require_gcode(ends: Ends) -> None:
    if ends.head.startswith(blocks.MAGIC):
        raise Invalid("this is binary G-code under the name of plain; call it .bgcode and send it again")
    if b"\0" in ends.head:
        raise Invalid("this is no G-code text; slice the model again and send what the slicer exports")
    if ends.complete and not _COMMAND.search(ends.head):
        raise Invalid("there is no G-code in this file; slice the model again")


def _unreplaced(ends: Ends) -> list[str]:
    """A name in braces that the slicer should have replaced would reach the printer as it is."""
    names = {name for block in (ends.head, ends.foot) for name in _names_in_braces(block)}
    return [
        f"the slicer left {{{name.decode()[:40]}}} in the G-code; look at its start and end scripts"
        for name in sorted(names)[:MOST_PLACEHOLDERS]
    ]


def _names_in_braces(block: bytes) -> Iterator[bytes]:
    for line in block.split(b"\n"):
        if b"{" in line:
            yield from _PLACEHOLDER.findall(line.partition(b";")[0])
