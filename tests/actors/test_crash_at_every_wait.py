"""An actor with many kinds of waits is made to crash at each of them in turn, in three ways.

The loop goes on until a run in which nothing is left to crash at: the pattern SQLite's tests use for
failing the first, second, third … operation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, TypeVar

import pytest
import trio
from actors_to_try import Clerk, Double, count_tasks

from farm.actors import Ask, ChildSpec, Mailbox, Runtime, Supervisor
from farm.actors.mailbox import Delivery
from farm.actors.replay import replay
from farm.errors import ActorDown, ActorFailed

Value = TypeVar("Value")


class When(Enum):
    BEFORE = auto()  # instead of the wait
    DURING = auto()  # an activity beside it fails meanwhile, so the wait is cancelled
    AFTER = auto()  # what was waited for has come


class Sabotaged(Exception):
    pass


class Sabotage:
    """Counts the waits of an actor and crashes it at the chosen one, once."""

    def __init__(self, at: int, when: When) -> None:
        self._at = at
        self._when = when
        self._count = 0
        self._struck = trio.Event()

    @property
    def struck(self) -> bool:
        return self._count >= self._at

    async def strike(self) -> None:
        """The activity beside the actor's work."""
        await self._struck.wait()
        self._struck = trio.Event()
        raise Sabotaged("during a wait")

    async def wait(self, function: Callable[..., Awaitable[Value]], *args: Any) -> Value:
        self._count += 1
        hit = self._count == self._at
        if hit and self._when is When.BEFORE:
            raise Sabotaged("before a wait")
        if hit and self._when is When.DURING:
            self._struck.set()
        value = await function(*args)
        if hit and self._when is When.AFTER:
            raise Sabotaged("after a wait")
        return value


@dataclass(frozen=True, slots=True)
class Consult(Ask[int]):
    """Answered with what the clerk answers."""

    number: int


@dataclass(frozen=True, slots=True)
class Batch(Ask[str]):
    """Answered together with up to three more that wait."""


@dataclass(frozen=True, slots=True)
class Fork:
    """Starts an activity that waits as well."""


class Worker:
    """The actor under test: it receives, sleeps, asks, batches, tells, and runs activities."""

    def __init__(self, sabotage: Sabotage) -> None:
        self._sabotage = sabotage
        self.mailbox: Mailbox[Any] | None = None
        self.clerk: Any = None
        self.seen: Counter[int] = Counter()  # of each delivery, by identity of the message

    async def run(self, mailbox: Mailbox[Any]) -> None:
        self.mailbox = mailbox
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._sabotage.strike)
            await self._sabotage.wait(trio.sleep, 0.5)
            while True:
                try:
                    delivery = await self._sabotage.wait(mailbox.receive)
                except trio.EndOfChannel:
                    break
                self.seen[id(delivery.message)] += 1
                await self._work(delivery, mailbox, nursery)
            await self._sabotage.wait(trio.sleep, 0.5)
            nursery.cancel_scope.cancel()

    async def _work(self, delivery: Delivery[Any], mailbox: Mailbox[Any], nursery: trio.Nursery) -> None:
        wait = self._sabotage.wait
        match delivery.message:
            case Consult(number):
                delivery.answer(await wait(self.clerk.ask, Double(number)))
            case Batch():
                batch = [delivery, *mailbox.take_waiting(3)]
                self.seen.update(id(more.message) for more in batch[1:])
                await wait(trio.sleep, 0.2)
                for one in batch:
                    one.answer("together")
            case Fork():
                nursery.start_soon(self._activity)
            case _:
                await wait(trio.sleep, 0.1)
                await wait(self.clerk.tell, "a note")

    async def _activity(self) -> None:
        for _ in range(3):
            await self._sabotage.wait(trio.sleep, 0.3)


@dataclass
class World:
    """What happened: how each ask was settled, how often the actors were started again."""

    asked: int = 0
    told: int = 0
    settled: list[str] = field(default_factory=list)
    restarts: dict[str, int] = field(default_factory=dict)
    letters: int = 0
    left_over: int = 0


async def live(worker: Worker) -> World:
    world, runtime = World(), Runtime()
    kept: list[Any] = []  # so that identities stay unique

    async def ask(at: float, message: Any, good: Any) -> None:
        kept.append(message)
        world.asked += 1
        await trio.sleep(at)
        try:
            answer = await runtime.address("worker").ask(message, timeout=20)
            world.settled.append("answered" if answer == good else f"wrong: {answer}")
        except (ActorFailed, ActorDown) as error:
            world.settled.append(type(error).__name__)

    async def tell(at: float, message: Any) -> None:
        kept.append(message)
        world.told += 1
        await trio.sleep(at)
        await runtime.address("worker").tell(message)

    tasks_before = count_tasks()
    async with Supervisor(runtime).running() as supervisor:
        worker.clerk = await supervisor.start(ChildSpec(name="clerk", run=Clerk().run))
        await supervisor.start(ChildSpec(name="worker", run=worker.run))
        async with trio.open_nursery() as nursery:
            for step in range(4):
                nursery.start_soon(tell, step, Fork() if step % 2 else object())
                nursery.start_soon(ask, step + 0.1, Consult(step), 2 * step)
                for late in range(3):
                    nursery.start_soon(ask, step + 0.2 + late / 100, Batch(), "together")
                nursery.start_soon(tell, step + 0.15, object())
        await trio.sleep(30)
        world.restarts = {report.name: report.restarts for report in runtime.reports()}
    world.letters = runtime.dead_letters.total
    world.left_over = count_tasks() - tasks_before
    return world


@pytest.mark.parametrize("when", When, ids=lambda when: when.name)
def test_a_crash_at_any_wait_keeps_every_promise(when: When) -> None:
    at = 1
    while True:
        sabotage = Sabotage(at, when)
        worker = Worker(sabotage)
        world = replay(at, live, worker)
        assert worker.mailbox is not None
        check(world, worker, worker.mailbox, struck=sabotage.struck)
        if not sabotage.struck:
            break
        at += 1
    assert at > 30  # there was something to crash at, and all of it was


def check(world: World, worker: Worker, mailbox: Mailbox[Any], *, struck: bool) -> None:
    restarts = world.restarts["worker"]
    if struck and restarts == 0:  # it was the last wait, after it had been told to stop
        assert world.settled == ["answered"] * world.asked
    assert restarts <= 1
    assert world.restarts["clerk"] == 0
    assert world.left_over == 0
    assert len(world.settled) == world.asked
    assert set(world.settled) <= {"answered", "ActorFailed", "ActorDown"}
    assert max(worker.seen.values()) == 1, "a message was delivered twice"

    traffic = mailbox.traffic
    assert traffic.dead == world.letters
    assert traffic.handled + traffic.dead + traffic.refused == world.asked + world.told
    assert traffic.refused == world.settled.count("ActorDown")
    assert traffic.dead >= world.settled.count("ActorFailed")
    if not struck:
        assert world.settled == ["answered"] * world.asked
        assert traffic.dead == traffic.refused == 0
