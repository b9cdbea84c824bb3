"""The actor runtime: what a message, an ask, an idle actor and a restart cost."""

from __future__ import annotations

import gc
import logging
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

import structlog
import trio

from farm.actors import Ask, ChildSpec, Directions, Mailbox, RestartPolicy, Supervisor, serve
from farm.actors.supervisor import Runtime
from farm.domain.user import Principal
from scripts.benches.figure import Figure, Rival, alternating

SIZES = (64, 1024)
TELL_GOAL = "ratio>=0.6"
IDLE_GOAL = "value<=6.0"


@dataclass(frozen=True, slots=True)
class Number(Ask[int]):
    """A message as small as they come, answered with the number it carries."""

    number: int


def run(quick: bool) -> list[Figure]:
    """Measure everything; `quick` with fewer messages, rounds and actors."""
    messages, rounds, actors = (20_000, 5, 2_000) if quick else (100_000, 11, 10_000)
    with _quiet():
        figures = [_tell(size, messages, rounds) for size in SIZES]
        asks = [trio.run(_ask_rate, messages // 4) for _ in range(rounds)]
        figures.append(Figure("ask_per_s", median(asks), "asks/s"))
        figures.append(_idle(actors))
        restarts = trio.run(_restart_latencies_ms, 20 * rounds)
        figures.append(Figure("restart_latency_ms", median(restarts), "ms"))
    return figures


@contextmanager
def _quiet() -> Iterator[None]:
    """Log no crash: the crashes here are wanted, and a terminal's speed is not ours."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**before)


def _tell(size: int, messages: int, rounds: int) -> Figure:
    """From one actor to another, the direction declared, against two bare tasks and trio's own channel."""

    def ours() -> float:
        return trio.run(_tell_rate, size, messages)

    def bare() -> float:
        return trio.run(_channel_rate, size, messages)

    value, rival = alternating(ours, bare, rounds)
    return Figure(f"tell_per_s_{size}", value, "messages/s", Rival("trio memory channel", rival), TELL_GOAL)


async def _tell_rate(size: int, messages: int) -> float:
    last = trio.Event()

    async def count(mailbox: Mailbox[int]) -> None:
        async for delivery in mailbox:
            if delivery.message == messages - 1:
                last.set()

    async def tell(mailbox: Mailbox[int]) -> None:
        async for _ in mailbox:
            for number in range(messages):
                await counting.tell(number)

    runtime = Runtime(directions=Directions([("teller", "counter")]))
    async with Supervisor(runtime).running() as supervisor:
        counting = await supervisor.start(ChildSpec(name="counter", run=count, mailbox_size=size))
        telling = await supervisor.start(ChildSpec(name="teller", run=tell))
        started = time.perf_counter()
        telling.tell_nowait(0)
        await last.wait()
        return messages / (time.perf_counter() - started)


async def _channel_rate(size: int, messages: int) -> float:
    last = trio.Event()
    sending, receiving = trio.open_memory_channel[int](size)

    async def count() -> None:
        async for number in receiving:
            if number == messages - 1:
                last.set()

    async def tell() -> None:
        async with sending:
            for number in range(messages):
                await sending.send(number)

    started = time.perf_counter()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(count)
        nursery.start_soon(tell)
        await last.wait()
        return messages / (time.perf_counter() - started)


async def _answer(message: Number, _by: Principal) -> int:
    return message.number


async def _answering(mailbox: Mailbox[Number]) -> None:
    await serve(mailbox, _answer)


async def _ask_rate(asks: int) -> float:
    async with Supervisor(Runtime()).running() as supervisor:
        answering = await supervisor.start(ChildSpec(name="answering", run=_answering))
        started = time.perf_counter()
        for number in range(asks):
            await answering.ask(Number(number))
        return asks / (time.perf_counter() - started)


def _idle(actors: int) -> Figure:
    """Everything that is allocated for an actor: its spec, task, mailbox and frames. kB: 1000 bytes."""
    value = trio.run(_idle_kb, actors)
    return Figure("idle_actor_kb", value, "kB", goal=IDLE_GOAL)


async def _idle_kb(actors: int) -> float:
    async with Supervisor(Runtime(directions=Directions([]))).running() as supervisor:
        await _start_idle_actors(supervisor, 1)  # what the first one brings in is not the price of one more
        gc.collect()
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            await _start_idle_actors(supervisor, actors)
            gc.collect()
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    return (after - before) / actors / 1000


async def _start_idle_actors(supervisor: Supervisor, actors: int) -> None:
    for number in range(actors):
        await supervisor.start(ChildSpec(name=f"idle:{actors}-{number}", run=_answering))


async def _restart_latencies_ms(crashes: int) -> list[float]:
    """From the error inside the actor to its next run asking for mail."""
    took: list[float] = []
    failed_at: list[float] = []

    async def crash(mailbox: Mailbox[None]) -> None:
        if failed_at:
            took.append((time.perf_counter() - failed_at.pop()) * 1000)
        async for _ in mailbox:
            failed_at.append(time.perf_counter())
            raise ZeroDivisionError

    policy = RestartPolicy(first_delay_s=0, budget=crashes + 1)
    async with Supervisor(Runtime()).running() as supervisor:
        address = await supervisor.start(ChildSpec(name="crashing", run=crash, policy=policy))
        while len(took) < crashes:
            await address.tell(None)
            await supervisor.ready("crashing")
    return took
