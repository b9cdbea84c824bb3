"""What slicers say of a print, in one form; and what their words for lengths of time and of filament mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import zip_longest
from typing import TypeAlias

from farm.domain.analysis import Filament, Layers, Temperatures
from farm.files.slicers.remarks import number, numbers

LONGEST_PRINT_S = 366 * 86_400.0
MOST_MM, MOST_CM3, MOST_G = 10_000_000.0, 100_000.0, 1_000_000.0  # of filament
HOTTEST_NOZZLE, HOTTEST_BED = 600.0, 300.0  # degC
WIDEST_NOZZLE, THICKEST_LAYER = 10.0, 10.0  # mm
MOST_LAYERS = 1_000_000
LONGEST_DURATION = 40  # characters

Amounts: TypeAlias = Sequence[float | None]
"""One for each tool."""

_COUNT = re.compile(r"(\d+)")
_UNITS = {
    86_400: ("d", "day", "days"),
    3600: ("h", "hour", "hours"),
    60: ("m", "min", "minute", "minutes"),
    1: ("s", "sec", "second", "seconds"),
}
_SECONDS = {word: seconds for seconds, words in _UNITS.items() for word in words}

_DOUBT = "the printing time in this file cannot be true, so it counts as unknown"


@dataclass(frozen=True, slots=True)
class Told:
    """What one slicer says. None: it does not, or what it says cannot be true.

    time_s: seconds. doubts: sentences for the people in the shop, about what it says and nobody can believe.
    """

    printer_model: str | None = None
    firmware: str | None = None
    time_s: float | None = None
    filament: tuple[Filament, ...] | None = None
    layers: Layers = field(default_factory=Layers)
    temperatures: Temperatures = field(default_factory=Temperatures)
    nozzle_mm: float | None = None
    doubts: tuple[str, ...] = ()


def together(all_told: Iterable[Told]) -> Told:
    """Of each thing what the first one says who knows it."""
    nothing = found = Told()
    names = [each.name for each in fields(Told)]
    for told in all_told:
        unknown = [name for name in names if getattr(found, name) == getattr(nothing, name)]
        found = replace(found, **{name: getattr(told, name) for name in unknown})
    return found if found.time_s is None else replace(found, doubts=())


def duration(text: str) -> float | None:
    """`1d 2h 58m 28s`, `2 hours 40 minutes` in seconds; None for anything else, and what cannot be true."""
    short = "".join(text.lower().split())
    if len(short) > LONGEST_DURATION:
        return None
    before, *parts = _COUNT.split(short)
    counts, units = parts[::2], parts[1::2]
    if before or any(unit not in _SECONDS for unit in units):
        return None
    total = sum(int(count) * _SECONDS[unit] for count, unit in zip(counts, units, strict=True))
    return float(total) if 0 < total <= LONGEST_PRINT_S else None


def claimed(text: str, found: float | None) -> tuple[str, ...]:
    """The doubt about a time that was claimed as `text`, where nobody can believe it."""
    return (_DOUBT,) if text and found is None else ()


def filament(
    mm: Amounts = (), cm3: Amounts = (), g: Amounts = (), materials: Sequence[str | None] = ()
) -> tuple[Filament, ...] | None:
    """What each tool uses; None when nothing is known of any."""
    if all(known is None for kind in (mm, cm3, g, materials) for known in kind):
        return None
    return tuple(
        Filament(tool, length, volume, _weight(length, grams), material)
        for tool, (length, volume, grams, material) in enumerate(zip_longest(mm, cm3, g, materials))
    )


def _weight(mm: float | None, grams: float | None) -> float | None:
    """Some 5 m that weigh nothing: the filament's density was never set."""
    return None if grams == 0 and mm != 0 else grams


def printing_tool(used: tuple[Filament, ...] | None) -> int:
    """The first tool that uses filament."""
    return next((one.tool for one in used or () if one.mm or one.cm3 or one.g), 0)


def of_tool(text: str, tool: int, most: float) -> float | None:
    """The value for a tool, of values separated by commas; the first where there are not as many."""
    values = numbers(text, most)
    return values[tool if tool < len(values) else 0] if values else None


def layers(count: str = "", height: str = "", first: str = "") -> Layers:
    """first: the height of the first layer, also in percent of the others."""
    told = number(count, MOST_LAYERS)
    height_mm = number(height, THICKEST_LAYER, least=0.001)
    return Layers(None if told is None else int(told), height_mm, _first_height(first, height_mm))


def _first_height(text: str, height_mm: float | None) -> float | None:
    if not text.endswith("%"):
        return number(text, THICKEST_LAYER, least=0.001)
    percent = number(text[:-1], 1000, least=1)
    return None if percent is None or height_mm is None else round(height_mm * percent / 100, 4)
