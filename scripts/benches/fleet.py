"""A shop in which many printers are dead: how soon the others' changes reach a subscriber, and at what cost.

The farm, its printers and the subscriber are three processes. The living print, and each change of theirs
carries the moment at which it left its printer. They are measured in turn: alone, while the others die all
at once, and beside the dead, when flooding printers begin to flood.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median, quantiles
from typing import Any

import msgspec
import trio
from trio_websocket import open_websocket_url

from farm.simulator.stamp import age_s
from scripts.benches.figure import Figure, Rival
from scripts.benches.shop import Shop, open_shop

SHOWN_WITHIN_S = 60.0  # for printers to be shown as they should be
AT_ONCE = 8  # requests to the farm or to the printers' switches
FLOOD_PER_S = 10_000

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

# A print that outlasts every measurement: slow moves of a cold machine.
LONG_PRINT = b"".join(b"G1 X%d F60\n" % (200 * (line % 2)) for line in range(500))

Status = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """How many printers of the shop live through it, how many die, and how many push without end."""

    living: int
    dead: int
    flooding: int = 0

    @property
    def printers(self) -> int:
        return self.living + self.dead + self.flooding


@dataclass(frozen=True, slots=True)
class Window:
    """What some seconds showed. ages_s: of each new reading of the living, when it came."""

    seconds: float
    ages_s: Sequence[float]
    cpu_s: float
    rss_mb: float

    @property
    def p50_ms(self) -> float:
        return median(self.ages_s) * 1000

    @property
    def p99_ms(self) -> float:
        return quantiles(self.ages_s, n=100)[98] * 1000

    @property
    def readings_per_s(self) -> float:
        return len(self.ages_s) / self.seconds

    @property
    def cpu_percent(self) -> float:
        return 100 * self.cpu_s / self.seconds


def run(quick: bool) -> list[Figure]:
    """Measure both shops; `quick` in fewer and shorter windows."""
    rounds, seconds = (2, 2.5) if quick else (5, 20.0)
    figures = [Figure("load_1m", os.getloadavg()[0], "processes")] if hasattr(os, "getloadavg") else []
    figures += trio.run(_measure, Setting(40, 60), rounds, seconds)
    figures += trio.run(_measure, Setting(79, 120, 1), 1 if quick else rounds, seconds)
    return figures


async def _measure(setting: Setting, rounds: int, seconds: float) -> list[Figure]:
    async with open_shop(setting.printers) as shop:
        bench = _Bench(shop, setting)
        async with trio.open_nursery() as nursery:
            await nursery.start(bench.watcher.watch, shop)
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
        await _each(self.living, lambda name: shop.switch(name, stamped=True))
        await _each(self.living, shop.add)  # each in its turn: real hosts do not push in step either
        await _each(self.living, self._clear_plate)
        file = await shop.ask("POST", "/v1/files?name=long.gcode", content=LONG_PRINT)
        await shop.ask("POST", "/v1/jobs", json={"file": file["id"], "copies": len(self.living)})
        await self.watcher.until(self.living, lambda status: status["operation"] == "printing")

    async def measure(self, seconds: float) -> None:
        """One round. Before and after it, only the living are in the farm."""
        self._alone.append(await self.window(seconds))
        await _each(self.others, self._shop.add)
        await self.watcher.until(self.others, is_online)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_each, self.dead, self._kill)
            self._dying.append(await self.window(seconds))
        async with trio.open_nursery() as nursery:
            for name in self.flooding:
                nursery.start_soon(self._flood, name)
            self._beside.append(await self.window(seconds))
        await _each(self.others, self._take_out)

    async def connect_all(self) -> float:
        """Seconds from the farm's start until it shows every printer online."""
        shop, watcher = self._shop, Watcher([])
        await _each(self.others, shop.add)
        await shop.stop()
        async with trio.open_nursery() as nursery:
            began = time.perf_counter()
            await shop.start()
            await nursery.start(watcher.watch, shop)
            await watcher.until([*self.living, *self.others], is_online)
            took_s = time.perf_counter() - began
            nursery.cancel_scope.cancel()
        return took_s

    async def window(self, seconds: float) -> Window:
        """Measure the living for so long."""
        farm, ages = self._shop.farm, self.watcher.ages_s
        before, began = farm.cpu_times(), time.perf_counter()
        ages.clear()
        await trio.sleep(seconds)
        found, took_s, after = list(ages), time.perf_counter() - began, farm.cpu_times()
        cpu_s = after.user + after.system - before.user - before.system
        return Window(took_s, found, cpu_s, farm.memory_info().rss / 1e6)

    async def _kill(self, name: str) -> None:
        death = DEATHS[self.dead.index(name) % len(DEATHS)]
        await self._shop.switch(name, **death)
        if death.get("manner") not in _CUT_ALL:
            await self._shop.restart(name)

    async def _flood(self, name: str) -> None:
        began = time.perf_counter()
        await self._shop.switch(name, flood_per_s=FLOOD_PER_S)
        await self.watcher.until([name], lambda status: "messages a second" in status["message"])
        self._told_s.append(time.perf_counter() - began)

    async def _take_out(self, name: str) -> None:
        await self._shop.ask("DELETE", f"/v1/printers/{name}")
        await self._shop.switch(name, **ALIVE)

    async def _clear_plate(self, name: str) -> None:
        await self._shop.ask("POST", f"/v1/printers/{name}/commands", json={"command": "plate_cleared"})

    def figures(self, connect_s: float) -> list[Figure]:
        """The medians of the rounds, each against the living alone."""
        printers = len(self.living) + len(self.others)
        found = [
            self._figure("p50_ms", "ms", lambda window: window.p50_ms),
            self._figure("p99_ms", "ms", lambda window: window.p99_ms, "ratio<=1.5"),
            self._figure("p99_ms_dying", "ms", lambda window: window.p99_ms, of=self._dying),
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


class Watcher:
    """A subscriber of the farm. ages_s: of each new reading of the `living`, at the moment it came."""

    def __init__(self, living: Sequence[str]) -> None:
        self.ages_s: list[float] = []
        self._newest: dict[str, float] = dict.fromkeys(living, 0.0)
        self._statuses: dict[str, Status] = {}
        self._news = trio.Event()

    async def watch(self, shop: Shop, task_status: trio.TaskStatus[None]) -> None:
        """Listens for ever, or until the farm stops; started once the farm shows its printers."""
        url = shop.url.replace("http", "ws", 1) + "/v1/live"
        async with open_websocket_url(url, max_message_size=16 * 1024 * 1024) as socket:
            await socket.send_message(msgspec.json.encode({"op": "auth", "token": shop.key}).decode())
            await socket.send_message('{"op":"subscribe","rooms":["printers"]}')
            while True:
                message = await socket.get_message()
                now = time.time()
                if self._take(msgspec.json.decode(message), now):
                    task_status.started()

    async def until(self, printers: Sequence[str], wanted: Callable[[Status], bool]) -> None:
        """Waits until all of these printers are shown as wanted. Raises trio.TooSlowError."""
        with trio.fail_after(SHOWN_WITHIN_S):
            while not all(name in self._statuses and wanted(self._statuses[name]) for name in printers):
                await self._news.wait()

    def _take(self, message: dict[str, Any], now: float) -> bool:
        """Take in what the farm says; whether it was the snapshot."""
        match message["type"]:
            case "batch.update":
                for event in message["events"]:
                    self._take(event, now)
            case "printer.statusUpdate":
                self._see(message["data"], now)
            case "printer.gone":
                self._statuses.pop(message["data"]["id"], None)
            case "snapshot":
                self._statuses = {printer["id"]: printer["status"] for printer in message["data"]["items"]}
                return True
        return False

    def _see(self, printer: dict[str, Any], now: float) -> None:
        name, status = printer["id"], printer["status"]
        self._statuses[name] = status
        news, self._news = self._news, trio.Event()
        news.set()
        nozzle = status["temperatures"].get("tool0")
        if name in self._newest and nozzle is not None and nozzle["actual"] != self._newest[name]:
            self._newest[name] = nozzle["actual"]
            self.ages_s.append(age_s(nozzle["actual"], now))


def is_online(status: Status) -> bool:
    return bool(status["connection"] == "online")


async def _each(names: Sequence[str], do: Callable[[str], Awaitable[None]]) -> None:
    """Does something for every printer, for AT_ONCE of them at the same time."""
    limiter = trio.CapacityLimiter(AT_ONCE)

    async def in_turn(name: str) -> None:
        async with limiter:
            await do(name)

    async with trio.open_nursery() as nursery:
        for name in names:
            nursery.start_soon(in_turn, name)
