"""Whether something of a size fits into a printer, as it is or turned on the plate."""

from __future__ import annotations

import math
from dataclasses import dataclass

from farm.domain.analysis import Analysis, Box, MeshAnalysis

_TOUCH = 1e-4  # mm: what rounding may add to an edge


@dataclass(frozen=True, slots=True)
class Fit:
    """Whether a file fits into a printer; None where nobody can tell, and why says what is missing.

    turn_deg: by how much a model has to be turned about the vertical.
    """

    fits: bool | None
    turn_deg: float | None = None
    why: str | None = None


def fit(found: Analysis | None, volume_mm: tuple[float, float, float] | None) -> Fit:
    """How what is in a file fits into a printer. volume_mm: the edges of what the printer can print.

    A model may be turned, and lies where the slicer puts it. G-code prints as it was sliced: what counts is
    how far it reaches, for printers have their origins in different places.
    """
    if found is None:
        return Fit(None, why="what is in the file is not known; look at where its analysis stands")
    box = found.bounding_box.model if isinstance(found, MeshAnalysis) else found.bounding_box.printed
    if box is None:
        return Fit(None, why="it is not known how large this is")
    if volume_mm is None:
        return Fit(None, why="the printer's profile does not say how large its prints may be")
    turn = turn_to_fit(box, volume_mm)
    if turn is None or (turn and not isinstance(found, MeshAnalysis)):
        return Fit(False, why=f"it takes {edges(size_of(box))} mm, the printer has {edges(volume_mm)}")
    return Fit(True, turn if isinstance(found, MeshAnalysis) else None)


def size_of(box: Box) -> tuple[float, float, float]:
    """Width, depth and height, in millimetres."""
    width, depth, height = (edge[1] - edge[0] for edge in (box.x, box.y, box.z))
    return width, depth, height


def edges(size: tuple[float, float, float]) -> str:
    """A size in words: "250 x 210 x 220"."""
    return " x ".join(f"{edge:.4g}" for edge in size)


def turn_to_fit(box: Box, volume_mm: tuple[float, float, float]) -> float | None:
    """By how many degrees the model in `box` has to be turned about the vertical to fit; None: not at all.

    volume_mm: the edges of what the printer can print. Where the box lies does not matter, slicers put it in
    the middle. 0 when it fits as it is; else the smallest turn. Models whose corners are empty may fit
    although their box does not.
    """
    width, depth, height = size_of(box)
    wide, deep, high = volume_mm
    if height > high + _TOUCH:
        return None
    return next(
        (turn for turn in _turns(width, depth, wide, deep) if _fits(width, depth, wide, deep, turn)), None
    )


def _turns(width: float, depth: float, wide: float, deep: float) -> list[float]:
    """Degrees at which a rectangle begins to fit: not at all turned, or where it just touches a side.

    Turned by t it is diagonal * cos(t - angle) wide and diagonal * cos(t - 90 + angle) deep.
    """
    diagonal, angle = math.hypot(width, depth), math.degrees(math.atan2(depth, width))
    turns = {0.0, 90.0}
    for room, middle in ((wide, angle), (deep, 90 - angle)):
        if room < diagonal:
            away = math.degrees(math.acos(room / diagonal))
            turns |= {middle - away, middle + away}
    return sorted({round(turn, 6) for turn in turns if 0 <= turn <= 90})


def _fits(width: float, depth: float, wide: float, deep: float, turn: float) -> bool:
    cosine, sine = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    return width * cosine + depth * sine <= wide + _TOUCH and width * sine + depth * cosine <= deep + _TOUCH
