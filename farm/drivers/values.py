"""Single values out of a peer's JSON: what is missing or odd there is no value here."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Generic, TypeVar

from farm.drivers.exchange import one_line

Part = TypeVar("Part")
Meaning = TypeVar("Meaning")


class Remembered(Generic[Part, Meaning]):
    """What a part of a peer's messages means. It is read again only when it is another than before: most of
    what a thousand printers push is what they pushed a moment ago."""

    def __init__(self, read: Callable[[Part], Meaning]) -> None:
        self._read = read
        self._known: tuple[Part, Meaning] | None = None

    def __call__(self, part: Part) -> Meaning:
        """Raises what reading it raises."""
        if self._known is None or self._known[0] != part:
            self._known = part, self._read(part)
        return self._known[1]


def number(value: object) -> float | None:
    """A finite number, or None for anything else."""
    if type(value) is float:  # as nearly all are
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def amount(value: object) -> float | None:
    """How much there is of something, or None for anything else."""
    found = number(value)
    return found if found is not None and found >= 0 else None


def seconds(value: object) -> float | None:
    """A duration, or None for anything else."""
    return amount(value)


def count(value: object) -> int | None:
    """A whole number of things, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < 2**63 else None


def text_of(value: object) -> str:
    """A text fit to show; "" for anything else."""
    return one_line(value) if isinstance(value, str) else ""


def shown(value: object) -> str:
    """A peer's value in a sentence."""
    return repr(one_line(value)) if isinstance(value, str) else "nothing at all"
