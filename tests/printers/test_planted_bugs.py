"""A bug is planted at every wait of one printer's tasks in turn, then of the queue's, while all print.

The loop goes on until a life in which nothing is left to strike at, as in tests/actors. It strikes from
outside, through trio's own hooks, so that no wait is forgotten: each time a task of the chosen actor is
woken from a wait (its mailbox, its link, its readings, an upload, a start, a command, the driver, the
database) that counts as one, and at the chosen one the task gets what `How` says instead.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from enum import Enum, auto
from typing import Any

import outcome
import pytest
import trio

from farm.actors.directions import current_actor
from farm.actors.replay import replay
from farm.actors.supervisor import Hung, Runtime
from farm.config import Queue, Settings
from farm.domain.command import ClearEmergency, Connect, Pause, Resume
from farm.domain.job import Job, JobState, PrintState
from farm.domain.printer import Operation, Plate
from farm.errors import FarmError
from farm.printers import tidy
from farm.store import jobs
from tests.simulation.machine import Faults
from tests.simulation.shop import Shop, open_shop

SCALE = float(os.environ.get("FARM_TEST_SCALE", "0.1"))
EVERY = 1 if SCALE >= 1 else 4  # a quarter of the waits in each everyday run, all of them in the full one

STRUCK, OTHERS = "mk4", ("mini", "xl")
PRINT_S = 15.0
SHOP_LOOKS_EVERY_S = 3.0
TIDIES_UP_EVERY_S = 30.0
SETTINGS = Settings(queue=Queue(plate_undo_s=1.0))
ENDED_WITHIN_S = 3.0
DAY_S = 1200.0  # by then everything has to be right again


class How(Enum):
    BUG = auto()  # an exception comes out of the wait
    HANG = auto()  # the wait never ends by itself
    CUT_OFF = auto()  # the supervisor loses its patience with the actor at this very moment
    END = auto()  # whoever runs the whole shop ends it at this very moment


GOES_ON = [How.BUG, How.HANG, How.CUT_OFF]


class Planted(Exception):
    pass


_CANNOT_HANG = frozenset(
    {
        "Mailbox._receive",
        "Nursery._nested_child_finished",
        "sleep_until",
        "PrinterActor._follow_readings",
        "PrinterActor._say_again_and_again",
        "Queue._wake_when_settled",
    }
)
"""Waits for nobody but trio's clock and the actor's own tasks and mail. The driver's hang by `wait`."""


def _cannot_hang(where: list[str]) -> bool:
    """Whether the wait is for nothing that could fail to come: also not a task's own turn for the others."""
    return not _CANNOT_HANG.isdisjoint(where) or where[1:] == ["checkpoint", "cancel_shielded_checkpoint"]


class Sabotage(trio.abc.Instrument):
    """Counts the waits of an actor's tasks and strikes at the chosen one, once."""

    def __init__(self, actor: str, at: int, how: How) -> None:
        self.struck = False
        self.where: list[str] = []
        self.runtime: Runtime | None = None
        self.shop_scope = trio.CancelScope()
        self.struck_at = 0.0
        self.actor = actor
        self._at = at
        self.how = how
        self._count = 0

    def task_scheduled(self, task: trio.lowlevel.Task) -> None:
        if self.struck or self.runtime is None or task.context.get(current_actor) != self.actor:
            return
        if inspect.getcoroutinestate(task.coro) == inspect.CORO_CREATED:
            return  # it has not waited for anything yet
        where = list(_frames(task.coro))
        if self.how is How.HANG and _cannot_hang(where):
            return
        if self._is_the_one(where):
            self._strike(task)

    async def wait(self, seconds: float) -> None:
        """What the driver of the struck printer waits with, for its host to answer."""
        hangs = self.how is How.HANG and self.runtime is not None
        if hangs and current_actor.get() == self.actor and self._is_the_one(["the driver"]):
            await trio.sleep_forever()
        await trio.sleep(seconds)

    def _is_the_one(self, where: list[str]) -> bool:
        self._count += 1
        if self.struck or self._count != self._at:
            return False
        self.struck, self.where, self.struck_at = True, where, trio.current_time()
        return True

    def _strike(self, task: Any) -> None:
        match self.how:
            case How.BUG:
                task._next_send = outcome.Error(Planted(f"at {' > '.join(self.where)}"))
            case How.HANG:
                task._next_send_fn = _hang
            case How.CUT_OFF:
                assert self.runtime is not None
                self.runtime.children[self.actor].cut_off(Hung("the supervisor lost its patience"))
            case How.END:
                self.shop_scope.cancel()


def _hang(_: object) -> Any:
    """What trio gets instead of the task's next step: one more wait, which only a cancellation ends."""
    return trio._core._traps.WaitTaskRescheduled(lambda _: trio.lowlevel.Abort.SUCCEEDED)


def _frames(waiting: Any) -> Iterator[str]:
    """The functions in which a task waits, outermost first."""
    while inspect.iscoroutine(waiting):
        yield waiting.__qualname__
        waiting = waiting.cr_await


async def person(shop: Shop) -> None:
    """Pauses the struck printer's print in its middle and lets it go on, asking again until it is done."""
    machine = shop.machines[STRUCK]
    await shop.promises.dispatched(1)
    await trio.sleep(8)
    for command, done in ((Pause("a phone call"), True), (Resume(), False)):
        while machine.running is not None and machine.paused is not done:
            await until_granted(lambda command=command: shop.tell(STRUCK, command))
            await trio.sleep(2)


async def until_granted(wish: Callable[[], Awaitable[Any]]) -> None:
    """Wish for something again and again; the actor may be on its way back."""
    for _ in range(10):
        try:
            await wish()
        except FarmError:
            await trio.sleep(1)
        else:
            return


async def until_done(shop: Shop, job: Job, printer: str) -> None:
    """Clear the plate whenever somebody should look at it, until the job is done."""
    while (await shop.job(job.id)).state is not JobState.DONE:
        await trio.sleep(2)
        if await shop.plate(printer) is not Plate.CLEAR:
            try:
                await shop.clear(printer)
            except FarmError:
                await trio.sleep(5)


@asynccontextmanager
async def sabotaged_shop(sabotage: Sabotage) -> AsyncIterator[Shop]:
    """A shop in which the sabotage goes on until the block is left."""
    async with open_shop(7, look_every_s=SHOP_LOOKS_EVERY_S, settings=SETTINGS) as shop:
        sabotage.runtime = shop.farm.runtime
        trio.lowlevel.add_instrument(sabotage)
        try:
            yield shop
        finally:
            sabotage.runtime = None
            trio.lowlevel.remove_instrument(sabotage)


async def three_print(sabotage: Sabotage) -> None:
    """Three printers print one job each; whatever befalls the actor, each is printed, and printed once."""
    async with sabotaged_shop(sabotage) as shop:
        wishes: dict[str, Job] = {}
        for name in (STRUCK, *OTHERS):
            await shop.add_printer(name, print_s=PRINT_S)
            shop.machines[name].wait = sabotage.wait
            wishes[name] = await wish_once(shop, name)
        with trio.fail_after(DAY_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(person, shop)
                for name, job in wishes.items():
                    nursery.start_soon(until_done, shop, job, name)
        await trio.sleep(10)  # so that what was begun beside it ends, and is struck at as well
        sabotage.runtime = None
        await trio.sleep(5)  # so that what was struck at last is started again
        await check(shop, wishes, sabotage)


async def wish_once(shop: Shop, name: str) -> Job:
    """Wish for a print on this printer; without an answer, look whether the wish was taken all the same."""
    while True:
        try:
            return await shop.add_job(required_printers=frozenset({name}))
        except FarmError:
            await trio.sleep(1)
        for job in await shop.database.read(jobs.open_jobs):
            if job.required_printers == {name}:
                return job


async def check(shop: Shop, wishes: dict[str, Job], sabotage: Sabotage) -> None:
    for name, job in wishes.items():
        *before, last = await shop.prints(job.id)
        assert last.state is PrintState.FINISHED
        assert shop.machines[name].starts == {last.remote_name: 1}
        assert not before or (name == STRUCK and len(before) == 1)
    check_restarts(shop, sabotage)


def check_restarts(shop: Shop, sabotage: Sabotage) -> None:
    """The struck actor was started again once, unless a deadline of its own ended the wait; nobody else."""
    restarts = {report.name: report.restarts for report in shop.farm.runtime.reports()}
    own = restarts.pop(sabotage.actor)
    assert set(restarts.values()) == {0}, f"others were started again: {restarts}"
    assert own == 1 or (own == 0 and (sabotage.how is How.HANG or not sabotage.struck))


async def stopped_in_an_emergency(sabotage: Sabotage) -> None:
    """A printer is stopped while a file is on its way to it: nothing goes there until a person says so."""
    async with sabotaged_shop(sabotage) as shop:
        sabotage.runtime = None
        await shop.add_printer(STRUCK, Faults(upload_slow=1.0), PRINT_S)
        shop.machines[STRUCK].wait = sabotage.wait
        await until_granted(lambda: shop.clear(STRUCK))
        job = await shop.add_job()
        await trio.sleep(2)
        sabotage.runtime = shop.farm.runtime
        await until_granted(lambda: shop.stop(STRUCK))
        await trio.sleep(10)
        sabotage.runtime = None
        await trio.sleep(60)
        assert shop.machines[STRUCK].stops
        assert (await shop.status(STRUCK)).operation is Operation.EMERGENCY
        await shop.tell(STRUCK, ClearEmergency())
        await trio.sleep(100)  # a link that hung has come back by then
        if shop.machines[STRUCK].loss is not None:
            await shop.tell(STRUCK, Connect())
        with trio.fail_after(DAY_S):
            await until_done(shop, job, STRUCK)
        check_restarts(shop, sabotage)


async def two_copies(sabotage: Sabotage) -> None:
    """One printer prints a file twice, the second from a copy; then nothing of either is left on it."""
    async with sabotaged_shop(sabotage) as shop:
        sabotage.runtime = None
        await shop.add_printer(STRUCK, print_s=PRINT_S)
        machine = shop.machines[STRUCK]
        machine.wait = sabotage.wait
        await until_granted(lambda: shop.clear(STRUCK))
        job = await shop.add_job(copies=2)
        await shop.promises.dispatched(1)
        await trio.sleep(2 * PRINT_S)
        sabotage.runtime = shop.farm.runtime
        with trio.fail_after(DAY_S):
            await until_done(shop, job, STRUCK)
        await trio.sleep(2 * TIDIES_UP_EVERY_S + tidy.DELETE_WITHIN_S)  # the first may be the one that hangs
        sabotage.runtime = None
        attempts = await shop.prints(job.id)
        assert machine.starts == dict.fromkeys((a.remote_name for a in attempts if a.started_at), 1)
        failed = [a.remote_name for a in attempts if a.state is not PrintState.FINISHED]
        assert machine.files.keys() <= set(failed)
        assert len(failed) <= 1
        check_restarts(shop, sabotage)


async def cut_short(sabotage: Sabotage) -> None:
    """The same life, ended from outside in the middle of a wait: nobody may swallow that."""
    with sabotage.shop_scope as scope:
        await three_print(sabotage)
    assert scope.cancelled_caught is sabotage.struck
    assert not sabotage.struck or trio.current_time() - sabotage.struck_at < ENDED_WITHIN_S


def strike_everywhere(
    life: Callable[[Sabotage], Awaitable[None]], actor: str, how: How, every: int = EVERY
) -> int:
    """Strike at each `every`-th wait of the actor in such a life; returns how many there were."""
    at = 1
    while True:
        sabotage = Sabotage(actor, at, how)
        try:
            replay(at, life, sabotage)
        except BaseException as error:
            error.add_note(f"{how.name} at wait {at} of {actor}: {' > '.join(sabotage.where)}")
            raise
        if not sabotage.struck:
            return at
        at += every


@pytest.mark.parametrize("how", GOES_ON, ids=lambda how: how.name)
def test_whatever_befalls_a_printers_tasks_its_print_goes_on_and_the_others_do_not_notice(how: How):
    assert strike_everywhere(three_print, f"printer:{STRUCK}", how) > 40


@pytest.mark.parametrize("how", GOES_ON, ids=lambda how: how.name)
def test_whatever_befalls_the_queue_everything_is_printed_and_nothing_twice(how: How):
    assert strike_everywhere(three_print, "queue", how) > 100


@pytest.mark.parametrize("how", GOES_ON, ids=lambda how: how.name)
def test_whatever_befalls_it_a_printer_stopped_in_an_emergency_hears_nothing_until_it_is_cleared(how: How):
    assert strike_everywhere(stopped_in_an_emergency, f"printer:{STRUCK}", how, every=1) > 10


@pytest.mark.parametrize("actor", [f"printer:{STRUCK}", "queue"])
@pytest.mark.parametrize("how", GOES_ON, ids=lambda how: how.name)
def test_whatever_befalls_it_a_copy_is_printed_once_and_its_files_are_tidied_up(
    how: How, actor: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(tidy, "LOOK_EVERY_S", TIDIES_UP_EVERY_S)
    assert strike_everywhere(two_copies, actor, how) > 20


@pytest.mark.parametrize("actor", [f"printer:{STRUCK}", "queue"])
def test_an_end_from_outside_is_never_swallowed(actor: str):
    assert strike_everywhere(cut_short, actor, How.END) > 60
