"""What is known of a file without printing it. What nobody knows is None, never invented."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

ANALYSIS_VERSION = 2
"""Raised by whoever changes what an analysis finds: files that an older farm has read are read again."""


@dataclass(frozen=True, slots=True)
class Slicer:
    """The program that made the file."""

    name: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class PrintTime:
    """Seconds, by who says so. slicer: the program that made it. motion: a model of the printer's motion.

    heating: what the waits for heat take beside that, from a cold printer that heats as most do.
    """

    slicer: float | None = None
    motion: float | None = None
    heating: float | None = None


@dataclass(frozen=True, slots=True)
class Filament:
    """What one tool uses, in millimetres, cubic centimetres and grams."""

    tool: int
    mm: float | None = None
    cm3: float | None = None
    g: float | None = None
    material: str | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """From where to where, in millimetres."""

    x: tuple[float, float]
    y: tuple[float, float]
    z: tuple[float, float]


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """printed: of everything that is printed, skirt and purge line too. model: of the part alone."""

    printed: Box | None = None
    model: Box | None = None


@dataclass(frozen=True, slots=True)
class Layers:
    count: int | None = None
    height_mm: float | None = None
    first_height_mm: float | None = None


@dataclass(frozen=True, slots=True)
class Temperatures:
    """Degrees Celsius, of the first tool that prints. 0: it is not heated."""

    nozzle_first: float | None = None
    nozzle: float | None = None
    bed_first: float | None = None
    bed: float | None = None


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture that is to be had of the file. source: "slicer" where that drew it. Pixels."""

    width: int
    height: int
    source: str


@dataclass(frozen=True, slots=True)
class Danger:
    """A command that may do harm. line: counted from 1."""

    line: int
    command: str
    why: str


@dataclass(frozen=True, slots=True)
class GcodeAnalysis:
    """A G-code file. filament: by tool. firmware: the dialect it was written for, in the slicer's word.

    moves: of the nozzle. pauses: how often it waits for somebody. warnings: sentences for the people in the
    shop. objects: the names of the parts on the plate.
    """

    kind: str = "gcode"
    slicer: Slicer | None = None
    printer_model: str | None = None
    firmware: str | None = None
    time_s: PrintTime = PrintTime()
    filament: tuple[Filament, ...] | None = None
    bounding_box: BoundingBox = BoundingBox()
    layers: Layers = Layers()
    temperatures: Temperatures = Temperatures()
    nozzle_mm: float | None = None
    moves: int | None = None
    extruding_moves: int | None = None
    retractions: int | None = None
    tool_changes: int | None = None
    filament_changes: int | None = None
    pauses: int | None = None
    thumbnails: tuple[Thumbnail, ...] = ()
    dangerous: tuple[Danger, ...] | None = None
    warnings: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PrintSettings:
    """How a model is supposed to be sliced where nobody has said it; what slicers begin with.

    infill: share of the inside that is filled, 0 to 1. solid_layers: at the bottom, and at the top. The
    speeds are those of walls on average, of solid layers and of infill. change_s: from layer to layer, with
    travel. least_layer_s: slicers slow small layers down until they last as long, so that they cool.
    """

    layer_mm: float = 0.2
    line_mm: float = 0.45
    walls: int = 3
    solid_layers: int = 3
    infill: float = 0.15
    wall_mm_s: float = 45.0
    solid_mm_s: float = 20.0
    infill_mm_s: float = 80.0
    change_s: float = 2.0
    least_layer_s: float = 5.0
    filament_mm: float = 1.75
    density_g_cm3: float = 1.24


@dataclass(frozen=True, slots=True)
class Estimate:
    """What printing a model may take, for a quote, from nothing but its volume and its surface.

    precision: "coarse", always: the slicer may say a third less, or half as much again.
    """

    time_s: float
    filament_mm: float
    filament_cm3: float
    filament_g: float
    assumed: PrintSettings
    precision: str = "coarse"


@dataclass(frozen=True, slots=True)
class MeshAnalysis:
    """A model: nothing prints it before it is sliced. kind: "stl", "obj" or "3mf".

    unit: the file's own; what is said here is in millimetres all the same. volume_mm3: None where the
    surface does not say what is inside. watertight: every edge belongs to an even number of triangles.
    objects: those on the plate of a 3MF; of the other kinds, pieces that hang together. warnings: sentences
    for the people in the shop.
    """

    kind: str
    bounding_box: BoundingBox = BoundingBox()
    triangles: int | None = None
    volume_mm3: float | None = None
    watertight: bool | None = None
    unit: str = "mm"
    objects: int | None = None
    estimate: Estimate | None = None
    thumbnails: tuple[Thumbnail, ...] = ()
    warnings: tuple[str, ...] = ()


Analysis: TypeAlias = GcodeAnalysis | MeshAnalysis


def with_rendered(result: Analysis, width: int, height: int) -> Analysis:
    """The same, when a picture was drawn by us. width, height: of the largest, in pixels."""
    return replace(result, thumbnails=(*result.thumbnails, Thumbnail(width, height, "rendered")))
