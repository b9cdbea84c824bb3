"""A shop in which many printers are dead: how soon the others' changes reach a subscriber, and at what cost.

The farm, its printers and the subscriber are three processes. The living print, and each change of theirs
carries the moment at which it left its printer. They are measured in turn: alone, while the others die all
at once, and beside the dead, when flooding printers begin to flood.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median

import trio

from scripts.benches.crowd import measure
from scripts.benches.crowd.deaths import ALIVE, kill
from scripts.benches.crowd.watcher import LONG_PRINT, Watcher, is_online
from scripts.benches.crowd.window import Window, window
from scripts.benches.figure import Figure, Rival
from scripts.benches.shop import Shop, each, open_shop

FLOOD_PER_S = 10_000


@dataclass(frozen=True, slots=True)
class Setting:
    """How many printers of the shop live through it, how many die, and how many push without end."""

    living: int
    dead: int
    flooding: int = 0

    @property
    def printers(self) -> int:
        return self.living + self.dead + self.flooding


def run(quick: bool) -> list[Figure]:
    """Measure all shops; `quick` one small shop and a small crowd, in fewer and shorter windows."""
    rounds, seconds = (1, 2.0) if quick else (5, 20.0)
    figures = [Figure("load_1m", os.getloadavg()[0], "processes")] if hasattr(os, "getloadavg") else []
    settings = [Setting(39, 60, 1)] if quick else [Setting(40, 60), Setting(79, 120, 1)]
    for setting in settings:
        figures += trio.run(_measure, setting, rounds, seconds)
    crowd = measure.SMALL if quick else measure.WHOLE
    return figures + trio.run(measure.measure, crowd, rounds, seconds)


async def _measure(setting: Setting, rounds: int, seconds: float) -> list[Figure]:
    async with open_shop(setting.printers) as shop:
        bench = _Bench(shop, setting)
        async with trio.open_nursery() as nursery:
            await nursery.start(bench.watcher.listen, shop)
            await bench.start_prints()
            for _ in range(rounds):
                await bench.measure(seconds)
            nursery.cancel_scope.cancel()
        return bench.figures(await bench.connect_all())


class _Bench:
    """One shop, measured: a window of each kind a round."""

    def __init__(self, shop: Shop, setting: Setting) -> None:
        names = list(shop.fleet.printers)
        self.living, self.others = names[: setting.living], names[setting.living :]
        self.dead, self.flooding = self.others[: setting.dead], self.others[setting.dead :]
        self.watcher = Watcher(self.living)
        self._shop = shop
        self._alone: list[Window] = []
        self._dying: list[Window] = []
        self._beside: list[Window] = []
        self._told_s: list[float] = []  # from the beginning of a flood until the printer's status says so

    async def start_prints(self) -> None:
        """Every living printer prints until the end of the measurement."""
        shop = self._shop
        await each(self.living, lambda name: shop.switch(name, stamped=True))
        await each(self.living, shop.add)  # each in its turn: real hosts do not push in step either
        await each(self.living, shop.clear_plate)
        file = await shop.ask("POST", "/v1/files?name=long.gcode", content=LONG_PRINT)
        await shop.ask("POST", "/v1/jobs", json={"file": file["id"], "copies": len(self.living)})
        await self.watcher.until(self.living, lambda status: status["operation"] == "printing")

    async def measure(self, seconds: float) -> None:
        """One round. Before and after it, only the living are in the farm."""
        self._alone.append(await self.window(seconds))
        await each(self.others, self._shop.add)
        await self.watcher.until(self.others, is_online)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(each, self.dead, self._kill)
            self._dying.append(await self.window(seconds))
        async with trio.open_nursery() as nursery:
            for name in self.flooding:
                nursery.start_soon(self._flood, name)
            self._beside.append(await self.window(seconds))
        await each(self.others, self._take_out)

    async def connect_all(self) -> float:
        """Seconds from the farm's start until it shows every printer online."""
        shop, watcher = self._shop, Watcher()
        await each(self.others, shop.add)
        await shop.stop()
        async with trio.open_nursery() as nursery:
            began = time.perf_counter()
            await shop.start()
            await nursery.start(watcher.listen, shop)
            await watcher.until([*self.living, *self.others], is_online)
            took_s = time.perf_counter() - began
            nursery.cancel_scope.cancel()
        return took_s

    async def window(self, seconds: float) -> Window:
        """Measure the living for so long."""
        return await window(self._shop, self.watcher, seconds)

    async def _kill(self, name: str) -> None:
        await kill(self._shop, name, self.dead.index(name))

    async def _flood(self, name: str) -> None:
        began = time.perf_counter()
        await self._shop.switch(name, flood_per_s=FLOOD_PER_S)
        await self.watcher.until([name], lambda status: "messages a second" in status["message"])
        self._told_s.append(time.perf_counter() - began)

    async def _take_out(self, name: str) -> None:
        await self._shop.take_out(name)
        await self._shop.switch(name, **ALIVE)

    def figures(self, connect_s: float) -> list[Figure]:
        """The medians of the rounds, each against the living alone."""
        printers = len(self.living) + len(self.others)
        found = [
            self._figure("p50_ms", "ms", lambda window: window.p50_ms()),
            self._figure("p99_ms", "ms", lambda window: window.p99_ms(), "ratio<=1.5"),
            self._figure("p99_ms_dying", "ms", lambda window: window.p99_ms(), of=self._dying),
            self._figure("readings_per_s", "readings/s", lambda window: window.readings_per_s, "ratio>=0.95"),
            self._figure("cpu_percent", "% of a core", lambda window: window.cpu_percent),
            self._figure(
                "cpu_percent_dying", "% of a core", lambda window: window.cpu_percent, of=self._dying
            ),
            Figure(
                "rss_mb",
                self._beside[-1].rss_mb,
                "MB",
                Rival("round 1", self._beside[0].rss_mb),
                "ratio<=1.1",
            ),
            Figure("connect_all_s", connect_s, "s"),
            *(Figure("flood_told_s", median(self._told_s), "s") for _ in self.flooding[:1]),
        ]
        return [replace(figure, name=f"{figure.name}_{printers}") for figure in found]

    def _figure(
        self,
        name: str,
        unit: str,
        value: Callable[[Window], float],
        goal: str | None = None,
        of: Sequence[Window] | None = None,
    ) -> Figure:
        rival = Rival("alone", median(map(value, self._alone)))
        return Figure(name, median(map(value, self._beside if of is None else of)), unit, rival, goal)
