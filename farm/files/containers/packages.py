"""Zip files with G-code in them: `.gcode.3mf` of OrcaSlicer and Bambu Studio, `.ufp` of Cura.

Written after their makers' public sources; no such file of a real OrcaSlicer or Cura was at hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from farm.errors import Invalid
from farm.files.containers.archive import Archive
from farm.files.containers.printable import Printable
from farm.files.containers.slice_info import remarks_in
from farm.files.pictures.thumbnails import MOST_BYTES, Picture, picture_in, pictures
from farm.files.slicers.ends import ends_of_stream
from farm.files.slicers.remarks import Remarks

SLICE_INFO = "Metadata/slice_info.config"
MOST_SLICE_INFO = 1024 * 1024  # bytes; some 300 for each object

_PLATE = re.compile(r"Metadata/plate_(\d{1,4})\.gcode")


def open_gcode_3mf(archive: Archive) -> Printable:
    """Its first plate. Raises Invalid, here and while the text is read."""
    plates = sorted(int(found[1]) for name in archive.names if (found := _PLATE.fullmatch(name)))
    if not plates:
        raise Invalid("there is no sliced plate in this file; export the sliced plate, not the project")
    plate = plates[0]
    info = archive.read(SLICE_INFO, MOST_SLICE_INFO) if SLICE_INFO in archive.names else b""
    beside = (f"Metadata/plate_{plate}.png", f"Metadata/plate_{plate}_small.png")
    more = f"this file holds {len(plates)} plates; only plate {plate} was looked at"
    return _opened(
        archive,
        f"Metadata/plate_{plate}.gcode",
        beside,
        remarks_in(info, plate),
        (more,) if len(plates) > 1 else (),
    )


def open_ufp(archive: Archive) -> Printable:
    """Raises Invalid, here and while the text is read."""
    text = _member(archive, "3D/model.gcode")
    if text is None:
        raise Invalid("there is no G-code in this file; slice the model again")
    picture = _member(archive, "Metadata/thumbnail.png")
    return _opened(archive, text, (picture,) if picture else ())


def _member(archive: Archive, name: str) -> str | None:
    """Its name as the archive has it: Cura writes a slash in front."""
    return next((there for there in archive.names if there.lstrip("/") == name), None)


def _opened(
    archive: Archive,
    text: str,
    beside: Iterable[str],
    told: Remarks | None = None,
    warnings: tuple[str, ...] = (),
) -> Printable:
    with archive.open(text) as stream:
        ends = ends_of_stream(stream)
    said = Remarks.at(ends)
    return Printable(
        text=archive.open(text),
        size=archive.size_of(text),
        ends=ends,
        said=told.then(said) if told else said,
        pictures=(*_pictures(archive, beside), *pictures(ends.head)),
        warnings=warnings,
    )


def _pictures(archive: Archive, names: Iterable[str]) -> Iterator[Picture]:
    for name in names:
        if name in archive.names:
            picture = picture_in(archive.read(name, MOST_BYTES))
            if picture is not None:
                yield picture
