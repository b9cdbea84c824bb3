"""How a print looks, where its slicer has drawn no picture of it."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from farm.domain.analysis import BoundingBox
from farm.files.gcode.roles import Role
from farm.files.gcode.survey import read_strokes
from farm.files.pictures.thumbnails import Picture
from farm.files.pictures.toolpath import ToolpathPicture

_PART, _SUPPORT, _LEFT_OUT = (226.0, 132.0, 54.0), (120.0, 140.0, 150.0), (np.nan,) * 3  # red, green, blue

_NAMED = {Role.MODEL: _PART, Role.SUPPORT: _SUPPORT}
"""What is shown where the slicer says what it draws: no skirts, towers or purge lines."""
_UNNAMED = {Role.UNKNOWN: _PART}


def draw_print(text: BinaryIO, box: BoundingBox) -> Picture | None:
    """The part, line by line of filament. None when there is nothing to be seen.

    text: from its beginning, a second time: where to look is only known when all of it was read.
    Raises what reading raises.
    """
    frame, shown = (box.printed, _UNNAMED) if box.model is None else (box.model, _NAMED)
    if frame is None:
        return None
    picture = ToolpathPicture(frame, np.array([shown.get(role, _LEFT_OUT) for role in Role]))
    read_strokes(text, picture.draw)
    return picture.picture()
