"""Single values out of a peer's JSON: what is missing or odd there is no value here."""

from __future__ import annotations

import math

from farm.drivers.exchange import one_line


def number(value: object) -> float | None:
    """A finite number, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
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
