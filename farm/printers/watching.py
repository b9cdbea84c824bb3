"""How closely the printers are watched now: what the shop says, as every printer's actor reads it."""

from __future__ import annotations

from farm.domain.anomaly import AS_SHIPPED, Watchfulness


class Watching:
    """The fleet alone changes it; printers look whenever they take in a reading."""

    def __init__(self) -> None:
        self.now: Watchfulness = AS_SHIPPED
