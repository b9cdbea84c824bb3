"""Where the time of day and chance come from: handed in by `app.py`, so that a day can be replayed."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

WallClock: TypeAlias = Callable[[], datetime]
"""Answers the time of day as an aware UTC datetime. Durations and deadlines never use it."""

Randomness: TypeAlias = random.Random
"""The source of chance. Seeded in a replay; from the operating system otherwise."""

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"

ATTEMPT_ID_LENGTH = 6  # the remote name starts with it; short enough for an 8.3-minded SD card


def real_clock() -> datetime:
    """The shop PC's own idea of the time, in UTC."""
    return datetime.now(UTC)


def new_id(chance: Randomness, length: int = 12) -> str:
    """A fresh identifier of `length` characters out of [0-9a-z] (12 are 62 bits)."""
    return "".join(chance.choices(_ALPHABET, k=length))


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC to the millisecond, ending in Z: how every time leaves the farm."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_iso(text: str) -> datetime:
    """The aware UTC datetime that `iso` wrote. Raises ValueError for text of another shape."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a time without its zone: {text}")
    return moment.astimezone(UTC)
