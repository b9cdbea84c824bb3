"""How soon an emergency stop reaches 200 printers, when all are well and when 20 of them hang.

The farm and its printers, half of them OctoPrints and half Klippers behind a Moonraker, are two processes. A
printer notes the moment at which its stop came in, on the clock of the same computer. There is no rival: no
other farm's server stops many printers.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median, quantiles
from typing import Any

import trio

from scripts.benches.figure import Figure
from scripts.benches.shop import Shop, each, open_shop

PRINTERS, HUNG = 200, 20
READY_WITHIN_S = 60.0
LOOK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Stop:
    """One emergency stop of all. sent_s: until each reached printer had it; answered_s: until the answer."""

    sent_s: Sequence[float]
    answered_s: float
    right: bool  # whether exactly the hung ones were named as not reached, and all others have stopped


def run(quick: bool) -> list[Figure]:
    """The worst printer of each stop; of several stops the median."""
    well, beside = trio.run(_measure, 2 if quick else 9)
    return [
        Figure("sent_to_all_ms", median(max(stop.sent_s) for stop in well) * 1000, "ms", goal="value<=100"),
        Figure("sent_p50_ms", median(median(stop.sent_s) for stop in well) * 1000, "ms"),
        Figure(
            "sent_to_the_reachable_ms",
            median(max(stop.sent_s) for stop in beside) * 1000,
            "ms",
            goal="value<=500",
        ),
        Figure("sent_p90_beside_the_hung_ms", median(_p90(stop.sent_s) for stop in beside) * 1000, "ms"),
        Figure("unreached_listed_s", median(stop.answered_s for stop in beside), "s", goal="value<=3"),
        Figure(
            "stops_told_right",
            sum(stop.right for stop in well + beside) / (2 * len(well)),
            "",
            goal="value>=1",
        ),
    ]


def _p90(values: Sequence[float]) -> float:
    return quantiles(values, n=10)[8]


async def _measure(rounds: int) -> tuple[list[Stop], list[Stop]]:
    well, beside = [], []
    async with open_shop({"octoprint": PRINTERS // 2, "moonraker": PRINTERS // 2}) as shop:
        await each(list(shop.fleet.printers), shop.add)
        hung = list(shop.fleet.printers)[:: PRINTERS // HUNG]
        for _ in range(rounds):
            await _make_ready(shop)
            well.append(await _stop(shop, []))
            await _make_ready(shop)
            for name in hung:
                await shop.switch(name, manner="half_open")
            beside.append(await _stop(shop, hung))
            for name in hung:
                await shop.switch(name, manner="well")
    return well, beside


async def _stop(shop: Shop, hung: Sequence[str]) -> Stop:
    began, at = time.perf_counter(), time.time()
    answer = await shop.ask("POST", "/v1/emergency-stop", json={"printers": None})
    answered_s = time.perf_counter() - began
    told = await shop.told()
    reached = [printer for name, printer in told.items() if name not in hung]
    stopped = [printer["stopped_at"] - at for printer in reached if (printer["stopped_at"] or 0) >= at]
    right = sorted(answer["unreached"]) == sorted(hung) and len(stopped) == len(reached)
    return Stop(stopped, answered_s, right)


async def _make_ready(shop: Shop) -> None:
    """What people do after an emergency: look, and say of each printer that it is over."""
    with trio.fail_after(READY_WITHIN_S):
        while waiting := [printer for printer in await _printers(shop) if not _is_ready(printer["status"])]:
            await each([printer["id"] for printer in waiting], partial(_clear, shop))
            await trio.sleep(LOOK_EVERY_S)


async def _clear(shop: Shop, name: str) -> None:
    status = (await shop.ask("GET", f"/v1/printers/{name}"))["status"]
    if status["operation"] in ("emergency", "attention"):  # who clears too soon is asked to look again
        command = {"command": f"clear_{status['operation']}"}
        await shop.ask("POST", f"/v1/printers/{name}/commands", json=command)


async def _printers(shop: Shop) -> list[dict[str, Any]]:
    return list((await shop.ask("GET", f"/v1/printers?limit={PRINTERS}"))["items"])


def _is_ready(status: dict[str, Any]) -> bool:
    return bool(status["connection"] == "online" and status["operation"] == "idle")
