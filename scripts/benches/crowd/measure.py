"""A thousand printers at one message a second each, Klippers among them, and more and more of them dead.

A third of them prints: OctoPrints are heard twice a second then, and every two seconds else, so that they
say something once a second on average. A Klipper says something five times a second whatever it does, of
which the farm tells what it shows every 0.4 s, or every two seconds where nothing happens. A farm takes a
thousand printers, so Klippers take the places of as many OctoPrints.

While the OctoPrints are alone it is measured in turn: with the farm's tick, without it, and what it costs
trio-websocket to read and decode the same pushes, so that the farm's cost is a multiple on any machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

import trio

from farm.config import Live
from farm.drivers.octoprint import push
from scripts.benches.crowd import rival
from scripts.benches.crowd.deaths import ALIVE, kill
from scripts.benches.crowd.watcher import LONG_PRINT, Bystander, Watcher, is_online
from scripts.benches.crowd.window import Window, window
from scripts.benches.figure import Figure, Rival
from scripts.benches.shop import Shop, each, open_shop

SUBSCRIBERS = 10  # one of which takes the time
SETTLES_S = 2.0  # from then on what was begun is over


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many printers, and how many of them are Klippers in the end.

    whole: whether there are so many that the goals for a thousand are theirs.
    """

    printers: int
    klippers: int
    whole: bool = True


WHOLE = Crowd(1000, 200)
SMALL = Crowd(60, 12, whole=False)


async def measure(crowd: Crowd, rounds: int, seconds: float) -> list[Figure]:
    """The figures of one shop, in which first the OctoPrints are alone."""
    async with open_shop({"octoprint": crowd.printers, "moonraker": crowd.klippers}) as shop:
        bench = _Bench(shop, crowd)
        async with trio.open_nursery() as nursery:
            for subscriber in bench.subscribers:
                await nursery.start(subscriber.listen, shop)
            await bench.measure(rounds, seconds)
            nursery.cancel_scope.cancel()
        return bench.figures(await bench.connect_all())


class _Bench:
    """The shop, its printers by kind, and the windows of each of its four states."""

    def __init__(self, shop: Shop, crowd: Crowd) -> None:
        names, stay = list(shop.fleet.printers), crowd.printers - crowd.klippers
        self._octoprints, self._going = names[:stay], names[stay : crowd.printers]
        self._klippers = names[crowd.printers :]
        # Who dies is spread over both kinds; who lives to the end is measured from the beginning.
        staying = [*self._octoprints, *self._klippers]
        self._tenth = _some(staying, 0)
        self._most = _some(staying, 1, 2, 4, 5, 7)
        doomed = {*self._tenth, *self._most}
        self.watcher = Watcher(
            [name for name in self._octoprints if name not in doomed],
            [name for name in self._klippers if name not in doomed],
        )
        self.subscribers: list[Watcher | Bystander] = [
            self.watcher,
            *(Bystander() for _ in range(SUBSCRIBERS - 1)),
        ]
        self._shop = shop
        self._crowd = crowd
        self._windows: dict[str, list[Window]] = {}
        self._rival_us: list[float] = []  # of a message

    async def measure(self, rounds: int, seconds: float) -> None:
        printers, printing = [*self._octoprints, *self._going], _some(self._octoprints, 0, 2, 5, 8)
        await self._open(printers, printing)
        for _ in range(rounds):
            await self._gather("no_tick", 0, seconds)
            await self._gather("", Live().batch_delay_ms, seconds)
            await self._decode(printers, printing, seconds)
        await each(self._going, self._shop.take_out)
        await self._open(self._klippers, _some(self._klippers, 0, 3, 6))
        await self._look("mix", rounds, seconds)
        for name, dying in (("tenth_dead", self._tenth), ("most_dead", self._most)):
            await each(dying, partial(self._kill, dying))
            await self._look(name, rounds, seconds)

    async def _open(self, printers: Sequence[str], printing: Sequence[str]) -> None:
        """These printers come into the farm, and some print until the end of the measurement."""
        shop = self._shop
        await each(printers, lambda name: shop.switch(name, stamped=True))
        await each(printers, shop.add)
        await self.watcher.until(printers, is_online)
        await each(printing, shop.clear_plate)
        file = await shop.ask("POST", f"/v1/files?name={printers[0]}.gcode", content=LONG_PRINT)
        await shop.ask("POST", "/v1/jobs", json={"file": file["id"], "copies": len(printing)})
        await self.watcher.until(printing, lambda status: status["operation"] == "printing")

    async def _gather(self, name: str, batch_delay_ms: int, seconds: float) -> None:
        """Measure while all subscribers let the farm gather for so long what it sends them."""
        for subscriber in self.subscribers:
            await subscriber.configure(batch_delay_ms)
        await self._look(name, 1, seconds)

    async def _decode(self, printers: Sequence[str], printing: Sequence[str], seconds: float) -> None:
        """Measure what the same pushes cost where nothing more is done with them."""
        addresses, busy = self._shop.fleet.printers, frozenset(printing)
        listened = [
            rival.Listened(
                addresses[name].url, addresses[name].api_key, push.AT_WORK if name in busy else push.AT_REST
            )
            for name in printers
        ]
        took = await rival.listen(listened, seconds)
        self._rival_us.append(took.cpu_us_per_message)

    async def _kill(self, dying: Sequence[str], printer: str) -> None:
        await kill(self._shop, printer, dying.index(printer))

    async def _look(self, name: str, rounds: int, seconds: float) -> None:
        await trio.sleep(SETTLES_S)
        looks = [await window(self._shop, self.watcher, seconds) for _ in range(rounds)]
        self._windows.setdefault(name, []).extend(looks)

    async def connect_all(self) -> float:
        """Seconds from the farm's start until it shows every printer online, all of them alive again."""
        shop, watcher, names = self._shop, Watcher(), [*self._octoprints, *self._klippers]
        await each([*self._tenth, *self._most], lambda name: shop.switch(name, **ALIVE))
        await shop.stop()
        async with trio.open_nursery() as nursery:
            began = time.perf_counter()
            await shop.start()
            await nursery.start(watcher.listen, shop)
            await watcher.until(names, is_online)
            took_s = time.perf_counter() - began
            nursery.cancel_scope.cancel()
        return took_s

    # -- figures -------------------------------------------------------------------------------------

    def figures(self, connect_s: float) -> list[Figure]:
        """Goals: those for a thousand printers, and that the living are not touched by the dead."""
        whole = self._crowd.whole
        found = [
            *self._of("", "value<=100" if whole else None, "value<=15" if whole else None),
            *self._of("no_tick", "value<=50" if whole else None, "value<=30" if whole else None),
            self._beside_decoding("", "ratio<=2.14" if whole else None),
            self._beside_decoding("no_tick", "ratio<=4.29" if whole else None),
            *self._of("mix"),
        ]
        for name in ("tenth_dead", "most_dead"):
            found += self._of(name, beside="mix", p99_goal="ratio<=1.5")
        for name, beside in (("mix", ""), ("tenth_dead", "mix"), ("most_dead", "mix")):
            found += [
                self._one(name, "p50_ms_klippers", "ms", lambda one: one.p50_ms(1), beside),
                self._one(name, "p99_ms_klippers", "ms", lambda one: one.p99_ms(1), beside),
            ]
        within = "value<=5" if whole else None
        return [*found, Figure(f"connect_all_s_{self._crowd.printers}_mix", connect_s, "s", goal=within)]

    def _of(
        self, name: str, p99_goal: str | None = None, cpu_goal: str | None = None, beside: str = ""
    ) -> list[Figure]:
        return [
            self._one(name, "messages_per_s", "messages/s", lambda one: one.messages_per_s, beside),
            self._one(name, "cpu_us_per_message", "us", lambda one: one.cpu_us_per_message, beside),
            self._one(
                name, "simulator_us_per_message", "us", lambda one: one.simulator_us_per_message, beside
            ),
            self._one(name, "cpu_percent", "% of a core", lambda one: one.cpu_percent, beside, cpu_goal),
            self._one(name, "p50_ms", "ms", lambda one: one.p50_ms(), beside),
            self._one(name, "p99_ms", "ms", lambda one: one.p99_ms(), beside, p99_goal),
            self._one(name, "rss_mb", "MB", lambda one: one.rss_mb, beside),
        ]

    def _beside_decoding(self, name: str, goal: str | None) -> Figure:
        ours = self._one(name, "cpu_us_beside_decoding", "us", lambda one: one.cpu_us_per_message)
        return replace(ours, rival=Rival("trio-websocket", median(self._rival_us)), goal=goal)

    def _one(
        self,
        name: str,
        what: str,
        unit: str,
        value: Callable[[Window], float],
        beside: str = "",
        goal: str | None = None,
    ) -> Figure:
        """The median of a state's windows. beside: the state it is held against."""
        rival = Rival("all alive", median(map(value, self._windows[beside]))) if beside else None
        shown = "_".join(filter(None, (what, str(self._crowd.printers), name)))
        return Figure(shown, median(map(value, self._windows[name])), unit, rival, goal)


def _some(names: Sequence[str], *of_ten: int) -> list[str]:
    """Those of every ten whose numbers are given."""
    return [name for number, name in enumerate(names) if number % 10 in of_ten]
