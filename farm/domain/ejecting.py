"""Printers that push their prints off: what the shop says about it, and one such ejection. Pure.

An ejection is a few moves in a file of their own, which the farm starts like a print, when it has measured
that the bed is cool enough. It does not go along at the end of the print, because there the firmware alone
would decide when the bed is cool: a Marlin that cools slowly stops waiting after a minute.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from farm.domain.transitions import Table
from farm.errors import Invalid

OVER_MM = 5.0  # that the toolhead goes above the print, where it can
MOST_SWEEP_LINES = 200
COOLEST_DEGC, HOTTEST_DEGC = 15.0, 80.0  # of a bed that lets go of a print
MOST_CYCLES = 100
USUAL_CYCLES = 5
COOLING_S = (60.0, 6 * 3600.0)
USUAL_COOLING_S = 3600.0

_LINGER = ("G4 P4000",) * 3
"""So that a print host which is asked every five seconds, and remembers nothing, is met at it."""

_MOVE = re.compile(r"\AG[01]((?: [XYZF]-?(?:\d++(?:\.\d*+)?|\.\d++))++)")
_WORD = re.compile(r"([XYZF])(-?[\d.]++)")
_HARMLESS = re.compile(r"\A(?:G4 [PS]\d++|M400|M106 S\d++|M107|G28(?: [XY]0?)++)")

WARNING = (
    "A printer that ejects moves its toolhead across the plate while nobody is there. A print that still "
    "sticks can be torn, bend the toolhead or knock the plate loose; what does not fall off is printed upon. "
    "The farm measures the bed and sees the moves end; it does not see the print fall. Who switches this on "
    "has watched it work on this printer, and answers for it."
)
"""What somebody has to have read before a printer ejects by itself."""


@dataclass(frozen=True, slots=True)
class Ejecting:
    """How a printer pushes its prints off, as the shop says.

    sweep: moves in the printer's own places, `{over}` in them standing for the height that is clear above
    the print; they begin by going up to it. release_degc: of the bed, at which prints come loose.
    at_most: prints in a row until somebody has looked at the printer. cool_within_s: how long the bed may
    take; then a person clears the plate. min_height_mm, max_height_mm, materials: of prints that may be
    pushed off; None, and no materials, for any. confirmed: somebody has read `WARNING`.
    """

    sweep: tuple[str, ...]
    release_degc: float
    at_most: int = USUAL_CYCLES
    cool_within_s: float = USUAL_COOLING_S
    min_height_mm: float | None = None
    max_height_mm: float | None = None
    materials: frozenset[str] = frozenset()
    confirmed: bool = False


class EjectionState(StrEnum):
    """Where an ejection stands. Nothing of it is sent before STARTING is committed."""

    COOLING = "cooling"
    UPLOADING = "uploading"
    STARTING = "starting"
    PUSHING = "pushing"
    PAUSED = "paused"
    DONE = "done"
    LEFT = "left"  # to a person


_LEFT = frozenset({EjectionState.LEFT})
EJECTIONS: Table[EjectionState] = {
    EjectionState.COOLING: _LEFT | {EjectionState.UPLOADING},
    EjectionState.UPLOADING: _LEFT | {EjectionState.STARTING},
    EjectionState.STARTING: _LEFT | {EjectionState.PUSHING, EjectionState.PAUSED, EjectionState.DONE},
    EjectionState.PUSHING: _LEFT | {EjectionState.PAUSED, EjectionState.DONE},
    EjectionState.PAUSED: _LEFT | {EjectionState.PUSHING, EjectionState.DONE},
    EjectionState.DONE: frozenset(),
    EjectionState.LEFT: frozenset(),
}
OPEN_EJECTIONS = frozenset(EjectionState) - {EjectionState.DONE, EjectionState.LEFT}
"""States in which an ejection holds its printer: at most one such ejection a printer."""


@dataclass(frozen=True, slots=True)
class Ejection:
    """A print being pushed off. print: its id; job, file: theirs; name: the job's. printed_as: its file's
    name on the printer; remote_name: that of what pushes it off, which starts with the attempt.

    gcode: what is sent, "" once it is over. bed_degc: as measured before it was sent. mark: see
    `file.RemoteFile`. reason: why it was left to a person, "" else.
    """

    id: str
    printer: str
    print: str
    job: str
    file: str
    name: str
    printed_as: str
    attempt: str
    remote_name: str
    state: EjectionState
    gcode: str
    release_degc: float
    cool_within_s: float
    began_at: datetime
    bed_degc: float | None = None
    mark: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Ejector:
    """How a printer stands that ejects by itself.

    done: prints pushed off since somebody looked, of at_most. state: of the ejection that goes on, None for
    none. note: why the newest was left to a person, "" where it was not.
    """

    done: int
    at_most: int
    state: EjectionState | None = None
    note: str = ""


def check_ejecting(wish: Ejecting, volume_mm: tuple[float, float, float] | None, field: str) -> None:
    """Raise Invalid, naming what is below `field`, for what cannot be or may do harm."""
    if volume_mm is None:
        raise Invalid("say first how large the printer is: no move may leave it", "profile.volume_mm")
    if not COOLEST_DEGC <= wish.release_degc <= HOTTEST_DEGC:
        raise Invalid(
            f"prints come loose between {COOLEST_DEGC:g} and {HOTTEST_DEGC:g} °C", f"{field}.release_degc"
        )
    if not 1 <= wish.at_most <= MOST_CYCLES:
        raise Invalid(f"somebody has to look after 1 to {MOST_CYCLES} prints", f"{field}.at_most")
    if not COOLING_S[0] <= wish.cool_within_s <= COOLING_S[1]:
        raise Invalid(
            f"between {COOLING_S[0]:g} and {COOLING_S[1]:g} seconds to cool", f"{field}.cool_within_s"
        )
    for name in ("min_height_mm", "max_height_mm"):
        height = getattr(wish, name)
        if height is not None and not 0 < height <= volume_mm[2]:
            raise Invalid(f"a height of the printer, at most {volume_mm[2]:g} mm", f"{field}.{name}")
    if (wish.min_height_mm or 0.0) > (wish.max_height_mm or volume_mm[2]):
        raise Invalid("the least height is more than the most", f"{field}.min_height_mm")
    for top_mm in (0.0, volume_mm[2]):
        checked_sweep(wish.sweep, top_mm, volume_mm, f"{field}.sweep")


def checked_sweep(
    sweep: tuple[str, ...], top_mm: float, volume_mm: tuple[float, float, float], field: str = "sweep"
) -> list[str]:
    """The moves for a print that is so high, every one within the printer. Raises Invalid, naming the line.

    Nothing but plain moves to places, waits, fans and the homing of X and Y: what else there is in G-code
    can heat, change settings or go where nobody sees it coming.
    """
    if not 1 < len(sweep) <= MOST_SWEEP_LINES:
        raise Invalid(f"a sweep has two to {MOST_SWEEP_LINES} lines", field)
    if not re.fullmatch(r"G[01] Z\{over\}(?: F\d+)?", sweep[0]):
        raise Invalid("a sweep begins by going up above the print: G1 Z{over} F900", field)
    over_mm = min(top_mm + OVER_MM, volume_mm[2])
    lines = [line.replace("{over}", f"{over_mm:.2f}") for line in sweep]
    for number, line in enumerate(lines, start=1):
        if _HARMLESS.fullmatch(line):
            continue
        move = _MOVE.fullmatch(line)
        if move is None:
            raise Invalid(f"line {number} of the sweep is no plain move: {line[:40]}", field)
        for axis, value in _WORD.findall(move[1]):
            if axis != "F" and not 0 <= float(value) <= volume_mm["XYZ".index(axis)]:
                raise Invalid(f"line {number} of the sweep leaves the printer: {axis}{value}", field)
    if not any(re.search(r" [XY]", line) for line in lines):
        raise Invalid("a sweep goes across the plate somewhere", field)
    return lines


def ejection_gcode(wish: Ejecting, top_mm: float, volume_mm: tuple[float, float, float]) -> str:
    """The file that pushes off a print that is so high. Raises Invalid."""
    up, *sweep = checked_sweep(wish.sweep, top_mm, volume_mm)
    return "\n".join(["G21", "G90", up, "M104 S0", "M140 S0", *sweep, "M400", *_LINGER, ""])


@dataclass(frozen=True, slots=True)
class Ended:
    """A print that has just ended well. seen: by the farm, which had the printer in sight from its start on.

    top_mm: how high it is; materials: those it is made of; None where nobody knows. done: ejections in a row.
    """

    seen: bool
    top_mm: float | None
    materials: Collection[str] | None
    done: int


def why_not_ejected(wish: Ejecting, ended: Ended) -> str:
    """Why a person has to take this print off, "" where it may be pushed off."""
    if not ended.seen:
        return "the farm did not see this print end, so it is not pushed off"
    if ended.done >= wish.at_most:
        prints = "1 print was" if ended.done == 1 else f"{ended.done} prints were"
        return f"{prints} pushed off since somebody looked at this printer: look at it, then clear its plate"
    if ended.top_mm is None:
        return "nobody knows how high this print is, so it is not pushed off"
    if wish.max_height_mm is not None and ended.top_mm > wish.max_height_mm:
        return f"it is {ended.top_mm:g} mm high; up to {wish.max_height_mm:g} mm is pushed off"
    if wish.min_height_mm is not None and ended.top_mm < wish.min_height_mm:
        return f"it is {ended.top_mm:g} mm high; from {wish.min_height_mm:g} mm on it is pushed off"
    if not wish.materials:
        return ""
    known = {name.upper() for name in wish.materials}
    if not ended.materials:
        return "nobody knows what this print is made of, so it is not pushed off"
    others = sorted(name for name in ended.materials if name.upper() not in known)
    return f"it is made of {', '.join(others)}, which is not pushed off here" if others else ""
