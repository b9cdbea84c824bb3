"""The ways in which a benchmark's printers die, and how they are brought back."""

from __future__ import annotations

from typing import Any

from scripts.benches.shop import Shop

DEATHS: tuple[dict[str, Any], ...] = (
    {"manner": "refuse"},
    {"manner": "silent"},
    {"manner": "half_open"},
    {"manner": "drop"},
    {"manner": "500"},
    {"manner": "garbage"},
    {"slow_ms": 60_000},
)
_CUT_ALL = ("refuse", "silent", "half_open")  # the others would go on pushing over the socket they have
ALIVE = {"manner": "well", "slow_ms": 0, "flood_per_s": 0}


async def kill(shop: Shop, printer: str, number: int) -> None:
    """The printer dies. number: of its death, which are dealt out in turn."""
    death = DEATHS[number % len(DEATHS)]
    await shop.switch(printer, **death)
    if death.get("manner") not in _CUT_ALL:
        await shop.restart(printer)
