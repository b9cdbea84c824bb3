"""Where the time of day and chance come from: handed in by `app.py`, so that a day can be replayed."""

from __future__ import annotations

import math
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


class ClockSetting:
    """Notices that the time of day was set, or that the computer slept: what is old by it may not be old."""

    JUMP_S = 3600.0  # by so much no clock errs
    SETTLES_S = 3600.0  # it may be set back

    def __init__(self) -> None:
        self._ahead_s: float | None = None  # of the clock that never goes back
        self._settled_at = -math.inf  # on that one

    def is_settled(self, wall: datetime, now: float) -> bool:
        """Whether what is old by `wall` may be thrown away. now: seconds of a clock that never goes back."""
        ahead_s = wall.timestamp() - now
        if self._ahead_s is None:
            self._ahead_s = ahead_s
        elif abs(ahead_s - self._ahead_s) > self.JUMP_S:
            self._ahead_s, self._settled_at = ahead_s, now + self.SETTLES_S
        return now >= self._settled_at
