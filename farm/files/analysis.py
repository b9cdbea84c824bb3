"""From a file to what is known of it. Runs inside worker processes: people send anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from farm.domain.analysis import Analysis, Thumbnail
from farm.domain.file import FileKind
from farm.files.containers.opening import open_gcode
from farm.files.pictures.thumbnails import Picture, largest
from farm.files.slicers.metadata import describe

SMALLEST = 64  # pixels: a narrower picture is for a printer's display, and shows people nothing


@dataclass(frozen=True, slots=True)
class Analysed:
    """What was found. picture: the best there is of it, drawn by the slicer or by us; None without."""

    result: Analysis
    picture: Picture | None = None


def analyse(path: Path, kind: FileKind, tell: Callable[[float], None] = lambda share: None) -> Analysed:
    """Everything there is to know of a file.

    tell: is called now and then with the share of the work that is done, 0 to 1. Raises Invalid with a
    sentence for the people in the shop where the file is damaged or no such file, and OSError.
    """
    if kind.is_model:
        from farm.files.mesh.analysis import analyse_model  # compiled code: not for those who only glance

        return Analysed(*analyse_model(path, kind, tell))
    from farm.files.gcode.analyse import analyse_gcode  # compiled as well

    with open_gcode(path, kind) as file:
        found = analyse_gcode(file, tell=lambda read: tell(min(1.0, read / max(1, file.size))))
        picture = largest(file.pictures)
    found = replace(found, kind=kind)
    if picture is not None and picture.width >= SMALLEST:
        return Analysed(found, picture)
    return _drawn(path, kind, Analysed(found, picture))


def _drawn(path: Path, kind: FileKind, found: Analysed) -> Analysed:
    """With a picture of ours, for which the moves are read again: only now is known where they lie."""
    from farm.files.gcode.picture import draw_print

    with open_gcode(path, kind) as file:
        picture = draw_print(file.text, found.result.bounding_box)
    if picture is None:
        return found
    ours = Thumbnail(picture.width, picture.height, "rendered")
    return Analysed(replace(found.result, thumbnails=(*found.result.thumbnails, ours)), picture)


def glance(path: Path, kind: FileKind) -> Analysed:
    """What the slicer itself says of a G-code file, without its moves: plain Python, no NumPy.

    Raises Invalid and OSError as `analyse` does.
    """
    with open_gcode(path, kind) as file:
        return Analysed(replace(describe(file), kind=kind), largest(file.pictures))
