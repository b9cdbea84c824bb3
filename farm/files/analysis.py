"""From a file to what is known of it. Runs inside worker processes: people send anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from farm.domain.analysis import Analysis, BoundingBox, with_rendered
from farm.domain.file import FileKind
from farm.files.containers.opening import open_gcode
from farm.files.pictures.thumbnails import Picture, largest
from farm.files.slicers.metadata import describe

SMALLEST = 64  # pixels: a narrower picture is for a printer's display, and shows people nothing


@dataclass(frozen=True, slots=True)
class Analysed:
    """What was found. picture: the best there is of it, drawn by the slicer or by us; None without.

    undrawn: whether it is worth to draw one.
    """

    result: Analysis
    picture: Picture | None = None
    undrawn: bool = False


def analyse(path: Path, kind: FileKind, tell: Callable[[float], None] = lambda share: None) -> Analysed:
    """Everything there is to know of a file, as `read` does, and a picture of it."""
    found = read(path, kind, tell)
    picture = draw(path, kind, found.result.bounding_box) if found.undrawn else None
    if picture is None:
        return found
    return Analysed(with_rendered(found.result, picture.width, picture.height), picture)


def read(path: Path, kind: FileKind, tell: Callable[[float], None] = lambda share: None) -> Analysed:
    """All that a file says. Models are drawn as well, for of them little else is to be said.

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
    undrawn = picture is None or picture.width < SMALLEST
    return Analysed(found, picture, undrawn and found.bounding_box.printed is not None)


def draw(path: Path, kind: FileKind, box: BoundingBox) -> Picture | None:
    """A picture of ours of what G-code prints; None when there is nothing to be seen.

    box: of it. The moves are read a second time for it. Raises Invalid and OSError as `read` does.
    """
    from farm.files.gcode.picture import draw_print

    with open_gcode(path, kind) as file:
        return draw_print(file.text, box)


def glance(path: Path, kind: FileKind) -> Analysed:
    """What the slicer itself says of a G-code file, without its moves: plain Python, no NumPy.

    Raises Invalid and OSError as `analyse` does.
    """
    with open_gcode(path, kind) as file:
        return Analysed(replace(describe(file), kind=kind), largest(file.pictures))
