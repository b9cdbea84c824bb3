"""What is known of a file, in the words of a shop: a line of a table, or a sheet of its own."""

from __future__ import annotations

from collections.abc import Iterator

from farm.domain.analysis import Box, Filament, GcodeAnalysis, Layers, MeshAnalysis, Temperatures

COLUMNS = {
    "file": "FILE",
    "kind": "KIND",
    "for": "FOR",
    "time": "TIME",
    "filament": "FILAMENT",
    "size": "SIZE (MM)",
    "notes": "NOTES",
}


def row(name: str, result: GcodeAnalysis | MeshAnalysis) -> dict[str, str]:
    """Of the table of several files; see COLUMNS."""
    gcode = result if isinstance(result, GcodeAnalysis) else None
    mesh = result if isinstance(result, MeshAnalysis) else None
    return {
        "file": name,
        "kind": result.kind,
        "for": (gcode.printer_model or gcode.firmware or "") if gcode else "",
        "time": _time(gcode) if gcode else _about_time(mesh),
        "filament": _filament(gcode.filament or ()) if gcode else _about_filament(mesh),
        "size": _size(result.bounding_box.model or result.bounding_box.printed),
        "notes": _notes(result),
    }


def sheet(name: str, result: GcodeAnalysis | MeshAnalysis) -> Iterator[tuple[str, str]]:
    """Everything that is known of one file, a line for each; what is not known is left out."""
    yield "file", name
    yield "kind", result.kind
    lines = _of_gcode(result) if isinstance(result, GcodeAnalysis) else _of_mesh(result)
    yield from ((what, words) for what, words in lines if words)
    yield from (("warning", warning) for warning in result.warnings)


def _of_gcode(result: GcodeAnalysis) -> Iterator[tuple[str, str]]:
    slicer = result.slicer
    yield "slicer", " ".join(filter(None, (slicer.name, slicer.version))) if slicer else ""
    yield "printer", result.printer_model or ""
    yield "firmware", result.firmware or ""
    yield "time, by the slicer", _seconds(result.time_s.slicer)
    yield "time, by its moves", _seconds(result.time_s.motion)
    for used in result.filament or ():
        yield f"filament of tool {used.tool}", _amounts(used)
    yield "printed size", _size(result.bounding_box.printed)
    yield "model size", _size(result.bounding_box.model)
    yield "layers", _layers(result.layers)
    yield "temperatures", _temperatures(result.temperatures)
    yield "nozzle", f"{result.nozzle_mm} mm" if result.nozzle_mm else ""
    yield (
        "moves",
        "" if result.moves is None else f"{result.moves}, {result.extruding_moves} of them extruding",
    )
    yield "objects", ", ".join(result.objects)
    yield "pictures", ", ".join(f"{one.width} x {one.height}" for one in result.thumbnails)
    for danger in result.dangerous or ():
        yield "danger", f"line {danger.line}: {danger.command}: {danger.why}"


def _of_mesh(result: MeshAnalysis) -> Iterator[tuple[str, str]]:
    yield "size", _size(result.bounding_box.model)
    yield "triangles", "" if result.triangles is None else str(result.triangles)
    yield "volume", "" if result.volume_mm3 is None else f"{result.volume_mm3 / 1000:.2f} cm3"
    yield "watertight", {True: "yes", False: "no", None: ""}[result.watertight]
    yield "unit", result.unit
    yield "objects", "" if result.objects is None else str(result.objects)
    yield "time to print", _about_time(result)
    yield "filament for it", _about_filament(result)


def _time(result: GcodeAnalysis) -> str:
    motion = result.time_s.motion
    return _seconds(result.time_s.slicer if motion is None else motion)


def _seconds(seconds: float | None) -> str:
    """`1 d 2 h 5 min`, `34 s`."""
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    parts = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "min"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def _filament(used: tuple[Filament, ...]) -> str:
    return " + ".join(_amounts(one) for one in used if one.mm != 0)


def _amounts(used: Filament) -> str:
    """`1.37 m, 4.1 g PLA`."""
    length = "" if used.mm is None else _length(used.mm)
    volume = f"{used.cm3:.2f} cm3" if used.mm is None and used.cm3 is not None else ""
    weight = "" if used.g is None else f"{used.g:.1f} g" if used.g >= 1 else f"{used.g:.2f} g"
    return " ".join(filter(None, (", ".join(filter(None, (length, volume, weight))), used.material)))


def _length(mm: float) -> str:
    return f"{mm / 1000:.2f} m" if mm >= 1000 else f"{mm:.0f} mm"


def _size(box: Box | None) -> str:
    if box is None:
        return ""
    return " x ".join(f"{high - low:.1f}" for low, high in (box.x, box.y, box.z))


def _layers(layers: Layers) -> str:
    height = "" if layers.height_mm is None else f"{layers.height_mm} mm"
    first = "" if layers.first_height_mm is None else f"the first {layers.first_height_mm} mm"
    return ", ".join(filter(None, ("" if layers.count is None else str(layers.count), height, first)))


def _temperatures(degc: Temperatures) -> str:
    nozzle = _degrees("nozzle", degc.nozzle_first, degc.nozzle)
    return ", ".join(filter(None, (nozzle, _degrees("bed", degc.bed_first, degc.bed))))


def _degrees(what: str, first: float | None, then: float | None) -> str:
    """The first layer's may be another."""
    usual = first if then is None else then
    if usual is None:
        return ""
    apart = "" if first in (None, usual) else f" (first layer {first:.0f} C)"
    return f"{what} {usual:.0f} C{apart}"


def _about_time(mesh: MeshAnalysis | None) -> str:
    """The estimate of a model is coarse, and looks so."""
    return f"about {_seconds(mesh.estimate.time_s)}" if mesh and mesh.estimate else ""


def _about_filament(mesh: MeshAnalysis | None) -> str:
    if mesh is None or mesh.estimate is None:
        return ""
    return f"about {_length(mesh.estimate.filament_mm)}, {mesh.estimate.filament_g:.1f} g"


def _notes(result: GcodeAnalysis | MeshAnalysis) -> str:
    dangerous = len(result.dangerous or ()) if isinstance(result, GcodeAnalysis) else 0
    counts = ((dangerous, "dangerous line"), (len(result.warnings), "warning"))
    return ", ".join(f"{count} {what}{'s' * (count > 1)}" for count, what in counts if count)
