"""What is known of a file without printing it. What nobody knows is None, never invented."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slicer:
    """The program that made the file."""

    name: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class PrintTime:
    """Seconds, by who says so. slicer: the program that made it. motion: a model of the printer's motion."""

    slicer: float | None = None
    motion: float | None = None


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

    warnings: sentences for the people in the shop. objects: the names of the parts on the plate.
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
    thumbnails: tuple[Thumbnail, ...] = ()
    dangerous: tuple[Danger, ...] | None = None
    warnings: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MeshAnalysis:
    """A model: nothing prints it before it is sliced. kind: "stl", "obj" or "3mf". unit: the file's own.

    warnings: sentences for the people in the shop.
    """

    kind: str
    bounding_box: BoundingBox = BoundingBox()
    triangles: int | None = None
    volume_mm3: float | None = None
    watertight: bool | None = None
    unit: str = "mm"
    thumbnails: tuple[Thumbnail, ...] = ()
    warnings: tuple[str, ...] = ()
