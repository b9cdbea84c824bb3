"""The live socket: CPU for each delivered event and delays, beside Socket.IO; slow readers; a returning herd.

The farm is whole: a real web server and API key, rights, actors, databases on disk. Of ten events one is
a fact, committed before it is sent, and nine are states of a hundred printers. Every subscriber checks
that each event comes once, and each fact after the one its `prev` names. Rivals send events of the same
size, and the windows alternate. Delays are from the moment an event is made, before its commit.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from farm.platform import raise_descriptor_limit
from scripts.benches.fanout import servers
from scripts.benches.fanout.servers import Server
from scripts.benches.fanout.subscribers import (
    FarmTalk,
    PlainTalk,
    SocketIoTalk,
    Subscriber,
    Talk,
    Tally,
    stalled,
    subscribe,
)
from scripts.benches.figure import Figure, Rival
from scripts.benches.plans.planning import COMPILED

SETTLE_S = 0.4  # after the last event, for what is under way; counted as the server's CPU too
PACES = {"50x100": (50, 100), "1000x10": (1000, 10)}  # subscribers, events a second
TICK_MS = 50
READERS = STALLED = 100  # clients that read, and that never do
FLOOD = {"rate": 100, "bytes": 10_000, "facts_in_ten": 10, "per_commit": 5}  # 10 MB in 10 s, to each
HERD = 1000
RIVALS: dict[str, tuple[str, type[SocketIoTalk | PlainTalk]]] = {
    "socket.io": ("socket.io 4.8", SocketIoTalk),
    "ws": ("ws 8", PlainTalk),
}


def run(quick: bool) -> list[Figure]:
    """Everything; `quick` with shorter windows, fewer rounds and Socket.IO as the only rival."""
    raise_descriptor_limit()
    return asyncio.run(_run(quick))


async def _run(quick: bool) -> list[Figure]:
    packages = servers.packages()
    rivals = [] if packages is None else ["socket.io"] if quick else ["socket.io", "ws"]
    seconds, rounds = (1.0, 1) if quick else (3.0, 3)
    figures: list[Figure] = []
    for name, (subscribers, rate) in PACES.items():
        async with AsyncExitStack() as stack:
            crowds = [await _crowd_of_farm(stack, subscribers)]
            crowds += [await _crowd_of_rival(stack, rival, str(packages), subscribers) for rival in rivals]
            figures += await _pace(name, crowds, rivals, rate, seconds, rounds)
    figures += await _making(packages, seconds, rounds)
    figures += await _slow_readers(2.0 if quick else 10.0, 1 if quick else 4)
    figures += await _herd(1 if quick else 3)
    return figures


# -- crowds ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Window:
    """What one stretch of publishing showed: CPU for each delivered event, and delays."""

    cpu_us: float
    p50_ms: float
    p99_ms: float
    event_bytes: float


@dataclass
class Crowd:
    """Subscribers of one server, all in the same rooms."""

    server: Server
    subscribers: list[Subscriber] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    async def enter(self, talks: Sequence[Talk]) -> None:
        """Connect, all at once."""
        self.subscribers = await subscribe(self.server.port, talks, self.tally)

    async def gather(self, batch_delay_ms: int) -> None:
        """Have the farm gather events for so long."""
        for subscriber in self.subscribers:
            subscriber.say(FarmTalk.configure(batch_delay_ms))
        await asyncio.sleep(0.3)

    async def window(self, **order: Any) -> Window:
        """Publish, and see that everybody got everything. Raises Amiss."""
        self.tally.clear()
        for subscriber in self.subscribers:
            subscriber.begin()
        done = await self.server.ask("publish", settle_s=SETTLE_S, **order)
        due = done["sent"] * len(self.subscribers)
        async with asyncio.timeout(30):
            await self.tally.whole(due)
        cuts = quantiles(self.tally.latencies, n=100)
        cpu_us = done["cpu_s"] / due * 1e6
        return Window(cpu_us, cuts[49] * 1000, cuts[98] * 1000, self.tally.bytes / due)

    async def pace_us(self, **order: Any) -> float:
        """CPU for each time the server wakes up as in `window`, and makes nothing."""
        done = await self.server.ask("keep_pace", settle_s=SETTLE_S, **order)
        return float(done["cpu_s"] / done["sent"] * 1e6)


async def _farm(stack: AsyncExitStack) -> Server:
    folder = stack.enter_context(tempfile.TemporaryDirectory())
    command = servers.farm(os.path.join(folder, "data"))
    # Kept between runs: what a farm's workers compile at its first start takes a core for a minute or two.
    return await stack.enter_async_context(Server.running(*command, NUMBA_CACHE_DIR=str(COMPILED)))


async def _crowd_of_farm(stack: AsyncExitStack, subscribers: int) -> Crowd:
    crowd = Crowd(await _farm(stack))
    await crowd.enter([FarmTalk(crowd.server.told["token"]) for _ in range(subscribers)])
    return crowd


async def _crowd_of_rival(stack: AsyncExitStack, rival: str, packages: str, subscribers: int) -> Crowd:
    crowd = Crowd(await stack.enter_async_context(Server.running(*servers.rival(rival), NODE_PATH=packages)))
    await crowd.enter([RIVALS[rival][1]() for _ in range(subscribers)])
    return crowd


# -- what is measured --------------------------------------------------------------------------


async def _pace(
    name: str, crowds: Sequence[Crowd], rivals: Sequence[str], rate: float, seconds: float, rounds: int
) -> list[Figure]:
    """The farm at once, the rivals, the farm with the tick, the rivals, and again."""
    farm, *others = crowds
    pace = {"rate": rate, "seconds": seconds, "facts_in_ten": 1, "per_commit": 1, "bytes": 200}
    at_once: list[Window] = []
    tick: list[Window] = []
    committed: list[Window] = []
    theirs: dict[str, list[Window]] = {rival: [] for rival in rivals}
    for _ in range(rounds):
        for windows, delay_ms in ((at_once, 0), (tick, TICK_MS)):
            await farm.gather(delay_ms)
            windows.append(await farm.window(**pace))
            for rival, crowd in zip(rivals, others, strict=True):
                size = {"bytes": max(1, round(windows[-1].event_bytes) - 60)}
                theirs[rival].append(await crowd.window(**{**pace, **size}))
    await farm.gather(0)
    committed.append(await farm.window(**{**pace, "facts_in_ten": 10}))
    goals = {"50x100": ("ratio<=1.0", "value<=5.0"), "1000x10": ("ratio<=1.0", "ratio<=1.0")}[name]
    figures = _figures(name, at_once, theirs, *goals)
    figures += _figures(f"{name}_tick", tick, theirs, "ratio<=0.25" if name == "50x100" else None, None)
    return [*figures, Figure(f"cpu_us_per_committed_fact_{name}", _of(committed, "cpu_us"), "us")]


async def _making(packages: Path | None, seconds: float, rounds: int) -> list[Figure]:
    """With one subscriber: what an event costs that is made a hundred times a second, whoever hears it.

    Beside it what it costs to be woken so often: here a timer does that, on a farm a printer's message.
    """
    pace = {"rate": 100, "seconds": seconds}
    order = {**pace, "facts_in_ten": 1, "per_commit": 1, "bytes": 200}
    ours: list[Window] = []
    theirs: list[Window] = []
    our_pace_us: list[float] = []
    their_pace_us: list[float] = []
    async with AsyncExitStack() as stack:
        farm = await _crowd_of_farm(stack, 1)
        rival = None if packages is None else await _crowd_of_rival(stack, "socket.io", str(packages), 1)
        for _ in range(rounds):
            ours.append(await farm.window(**order))
            our_pace_us.append(await farm.pace_us(**pace))
            if rival is not None:
                size = {"bytes": max(1, round(ours[-1].event_bytes) - 60)}
                theirs.append(await rival.window(**{**order, **size}))
                their_pace_us.append(await rival.pace_us(**pace))
    name = RIVALS["socket.io"][0]
    made = Rival(name, _of(theirs, "cpu_us")) if theirs else None
    paced = Rival(name, median(their_pace_us)) if theirs else None
    return [
        Figure("cpu_us_per_event_made_1x100_tick", _of(ours, "cpu_us"), "us", made),
        Figure("cpu_us_per_wake_up_of_the_publisher_100", median(our_pace_us), "us", paced),
    ]


def _figures(
    name: str, ours: Sequence[Window], theirs: dict[str, list[Window]], cpu: str | None, p99: str | None
) -> list[Figure]:
    found = []
    for what, unit, goal in (("cpu_us", "us", cpu), ("p50_ms", "ms", None), ("p99_ms", "ms", p99)):
        title = f"{what}_per_event_{name}" if what == "cpu_us" else f"{what}_{name}"
        for rival, windows in theirs.items():
            held = Rival(RIVALS[rival][0], _of(windows, what))
            is_first = rival == "socket.io"
            suffix = "" if is_first else f"_{rival}"
            found.append(Figure(title + suffix, _of(ours, what), unit, held, goal if is_first else None))
        if not theirs:
            found.append(
                Figure(title, _of(ours, what), unit, goal=goal if goal and "value" in goal else None)
            )
    return found


def _of(windows: Sequence[Window], what: str) -> float:
    return float(median(getattr(window, what) for window in windows))


async def _slow_readers(seconds: float, rounds: int) -> list[Figure]:
    """Clients that read, alone and beside as many that never do; at once, and facts only."""
    flood = {**FLOOD, "seconds": seconds}
    alone, beside, cut_s, grown_mb = [], [], [], []
    async with AsyncExitStack() as stack:
        crowd = await _crowd_of_farm(stack, READERS)
        await crowd.gather(0)
        await crowd.window(**flood)  # what the first one makes of the memory is not the slow ones' doing
        for _ in range(rounds):
            alone.append(await crowd.window(**flood))
            before = (await crowd.server.ask("numbers"))["rss_mb"]
            talks = [FarmTalk(crowd.server.told["token"], batch_delay_ms=0) for _ in range(STALLED)]
            sockets = [stalled(crowd.server.port, talk) for talk in talks]
            await asyncio.sleep(0.5)
            beside.append(await crowd.window(**flood, watch_until=READERS))
            numbers = await crowd.server.ask("numbers")
            cut_s.append(numbers["cut_s"])
            grown_mb.append(numbers["peak_rss_mb"] - before)
            for sock in sockets:
                sock.close()
    held = Rival("without slow ones", _of(alone, "p99_ms"))
    return [
        Figure("readers_p99_ms_beside_slow", _of(beside, "p99_ms"), "ms", held, "ratio<=1.5"),
        Figure("slow_cut_s", max(cut_s), "s", goal="value<=10"),
        Figure("memory_for_slow_mb", max(grown_mb), "MB"),
    ]


async def _herd(rounds: int) -> list[Figure]:
    """Clients that all come back at once and want to hear on, while somebody asks for its health."""
    served_s: list[float] = []
    health_s: list[float] = []
    async with AsyncExitStack() as stack:
        crowd = await _crowd_of_farm(stack, HERD)
        talk = crowd.subscribers[0].talk
        for _ in range(rounds):
            since = talk.past if isinstance(talk, FarmTalk) else {}
            for subscriber in crowd.subscribers:
                subscriber.close()
            await asyncio.sleep(1)
            done = threading.Event()
            looking = asyncio.create_task(
                asyncio.to_thread(_look_after_health, crowd.server.port, done, health_s)
            )
            began = time.perf_counter()
            await crowd.enter([FarmTalk(crowd.server.told["token"], since=since) for _ in range(HERD)])
            served_s.append(time.perf_counter() - began)
            done.set()
            await looking
    return [
        Figure("herd_served_s", median(served_s), "s", goal="value<=6"),
        Figure("herd_health_p99_ms", quantiles(health_s, n=100)[98] * 1000, "ms", goal="value<=1000"),
    ]


def _look_after_health(port: int, done: threading.Event, took_s: list[float]) -> None:
    """In a thread: whoever asks must not be held up by what the herd itself costs here."""
    while not done.wait(0.02):
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/v1/health")
        if connection.getresponse().status != 200:
            raise RuntimeError("the farm is not well")
        connection.close()
        took_s.append(time.perf_counter() - began)
