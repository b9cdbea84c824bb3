"""What slicers call the kinds of things a printer draws, and the comments they mark them with."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from farm.files.gcode.kernel.text import hash_of


class Role(IntEnum):
    """What is being drawn. Only MODEL counts for the box of the part."""

    UNKNOWN = 0  # before the slicer has named anything
    MODEL = 1
    AROUND = 2  # skirt, brim, shields
    SUPPORT = 3  # and rafts
    TOWER = 4  # wipe and prime towers, purging
    CUSTOM = 5  # scripts of the shop: purge lines and the like


_NAMES = {
    Role.AROUND: (
        *(
            "Skirt",
            "Brim",
            "Skirt/Brim",
            "Draft shield",
            "Ooze shield",
            "Inner brim",
        ),  # PrusaSlicer and heirs
        *("SKIRT", "SKIRT-BRIM", "BRIM"),  # Cura, ideaMaker
    ),
    Role.SUPPORT: (
        *("Support material", "Support material interface", "Raft"),  # PrusaSlicer
        *(
            "Support",
            "Support interface",
            "Support transition",
            "Support ironing",
        ),  # OrcaSlicer, Bambu Studio
        *("SUPPORT-INTERFACE", "RAFT", "Dense support"),  # Cura, ideaMaker, Simplify3D
    ),
    Role.TOWER: (
        *("Wipe tower", "Prime tower", "Flush"),  # PrusaSlicer, OrcaSlicer
        *("PRIME-TOWER", "PRIME TOWER", "Prime pillar", "WIPE-TOWER"),  # Cura, Simplify3D, ideaMaker
    ),
    Role.CUSTOM: ("Custom",),
}


class Mark(IntEnum):
    """A comment that says something about the moves behind it."""

    TYPE = 1  # ;TYPE:External perimeter - PrusaSlicer, SuperSlicer, OrcaSlicer, Cura, ideaMaker
    FEATURE = 2  # ; FEATURE: Outer wall - Bambu Studio; ; feature outer perimeter - Simplify3D
    LAYER_CHANGE = 3  # ;LAYER_CHANGE - PrusaSlicer and heirs; ; CHANGE_LAYER - Bambu Studio
    LAYER = 4  # ;LAYER:0 - Cura, ideaMaker; ; layer 1, Z = 0.200 - Simplify3D


_MARKS = {
    "TYPE": Mark.TYPE,
    "FEATURE": Mark.FEATURE,
    "LAYER_CHANGE": Mark.LAYER_CHANGE,
    "CHANGE_LAYER": Mark.LAYER_CHANGE,
    "LAYER": Mark.LAYER,
}


def table(meanings: Mapping[str, int]) -> NDArray[np.int64]:
    """Names as the kernels look them up: rows of hash and meaning."""
    return np.array([[hash_of(name), meaning] for name, meaning in meanings.items()], np.int64)


ROLES = table({name: role for role, names in _NAMES.items() for name in names})
MARKS = table(_MARKS)
