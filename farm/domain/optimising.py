"""Smaller copies of files that print the same: what a printer wants of them, and what became of one."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum

OPTIMISER_VERSION = 1
"""Of what makes copies: those that an earlier one has made are made anew."""

TOLERANCES_MM = (0.001, 0.5)
ARC_STEPS_MM = (0.01, 10.0)


class Comments(StrEnum):
    """Which comments a copy keeps.

    HOST: what print hosts and the farm read: all before the first printed line and behind the last
    (pictures, settings, times, filament), and between them the labels of objects and the marks of layers.
    """

    ALL = "all"
    HOST = "host"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Optimising:
    """What is sent to a printer instead of the files themselves.

    arc_tolerance_mm: by how much arcs may stray from the lines they take the place of; None for a printer
    that takes none. arc_step_mm: how long the pieces are that its firmware makes of arcs. progress: whether
    it is told how far it is, where a file does not.
    """

    comments: Comments = Comments.HOST
    arc_tolerance_mm: float | None = None
    arc_step_mm: float = 1.0
    progress: bool = False

    @property
    def key(self) -> str:
        """The same for the same copies, and for no others."""
        return json.dumps({"version": OPTIMISER_VERSION, **asdict(self)}, sort_keys=True)


@dataclass(frozen=True, slots=True)
class Size:
    """moves: lines that move something, G0 to G3."""

    bytes: int
    lines: int
    moves: int


@dataclass(frozen=True, slots=True)
class Savings:
    """What became of a file. arc_lines: lines that arcs took the place of.

    deviation_mm: the most that an arc and its lines are apart anywhere; None where there is no arc.
    """

    before: Size
    after: Size
    arcs: int = 0
    arc_lines: int = 0
    deviation_mm: float | None = None


@dataclass(frozen=True, slots=True)
class Proven:
    """A copy that prints the same. seconds: what the original, and the copy, take by the model of motion."""

    savings: Savings
    seconds: tuple[float, float]


@dataclass(frozen=True, slots=True)
class OptimisedCopy:
    """What became of the wish for a copy. original, sha256: hashes of contents.

    sha256, size (bytes), proven: None where there is no copy, for this `reason`. again_at: when it is tried
    once more, None for never.
    """

    original: str
    settings: Optimising
    made_at: datetime
    sha256: str | None = None
    size: int | None = None
    proven: Proven | None = None
    reason: str | None = None
    again_at: datetime | None = None
