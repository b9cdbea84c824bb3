"""From a model to what is known of it, and to its picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from farm.domain.analysis import BoundingBox, Box, MeshAnalysis, Thumbnail
from farm.domain.file import FileKind
from farm.errors import Invalid
from farm.files.mesh.estimate import estimate
from farm.files.mesh.measure import Measures, measure
from farm.files.mesh.model import Model
from farm.files.mesh.obj import read_obj
from farm.files.mesh.remarks import remarks
from farm.files.mesh.stl import read_stl
from farm.files.mesh.three_mf import read_three_mf
from farm.files.pictures.raster import draw_model
from farm.files.pictures.thumbnails import Picture

READERS: Mapping[FileKind, Callable[[Path], Model]] = {
    FileKind.STL: read_stl,
    FileKind.OBJ: read_obj,
    FileKind.THREE_MF: read_three_mf,
}

_READ, _MEASURED = 0.3, 0.6  # of the work


def analyse_model(
    path: Path, kind: FileKind, tell: Callable[[float], None] = lambda share: None
) -> tuple[MeshAnalysis, Picture | None]:
    """What a model is and how it looks; no picture of one that would take too long to draw.

    tell: is called with the share of the work that is done. Raises Invalid with a sentence for the people in
    the shop where the file is damaged or holds nothing to print, and OSError.
    """
    model = READERS[kind](path)
    tell(_READ)
    measures = measure(model.blocks())
    if measures is None:
        raise Invalid("no triangle of this model has an area, so there is nothing to print; export it again")
    tell(_MEASURED)
    picture = draw_model(model.blocks)
    return _described(model, measures, picture), picture


def _described(model: Model, measures: Measures, picture: Picture | None) -> MeshAnalysis:
    is_solid = measures.is_closed and measures.is_in_order
    return MeshAnalysis(
        kind=model.kind,
        bounding_box=BoundingBox(model=_box(measures)),
        triangles=measures.triangles,
        volume_mm3=round(abs(measures.volume_mm3), 3) if is_solid else None,
        watertight=measures.is_closed,
        unit=model.unit,
        objects=measures.bodies if model.objects is None else model.objects,
        estimate=estimate(measures),
        thumbnails=() if picture is None else (Thumbnail(picture.width, picture.height, "rendered"),),
        warnings=remarks(model, measures),
    )


def _box(measures: Measures) -> Box:
    x, y, z = ((round(low, 4), round(high, 4)) for low, high in zip(measures.low, measures.high, strict=True))
    return Box(x, y, z)
