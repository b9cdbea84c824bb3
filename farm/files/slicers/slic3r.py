"""Slic3r, which knows no time: `; filament used = 1490.9mm (3.6cm3)` a tool, and PrusaSlicer's settings."""

from __future__ import annotations

import re
from dataclasses import replace

from farm.files.containers.printable import Printable
from farm.files.slicers import prusa
from farm.files.slicers.remarks import MOST_TOOLS, Remarks, number
from farm.files.slicers.told import MOST_CM3, MOST_G, MOST_MM, Told, filament

_LENGTH = re.compile(r"filament used = ([\d.]+)mm(?: \(([\d.]+)cm3\))?")
_WEIGHT = re.compile(r"filament used = ([\d.]+)g")


def read(file: Printable) -> Told:
    """The same settings as PrusaSlicer's, and the summary in its own words."""
    below = Remarks(file.ends.foot).lines
    lengths = [found for line in below if (found := _LENGTH.fullmatch(line))][:MOST_TOOLS]
    weights = [found for line in below if (found := _WEIGHT.fullmatch(line))][:MOST_TOOLS]
    used = filament(
        [number(found[1], MOST_MM) for found in lengths],
        [number(found[2] or "", MOST_CM3) for found in lengths],
        [number(found[1], MOST_G) for found in weights],
        prusa.materials(file.said),
    )
    return replace(prusa.read(file), filament=used)
