"""A seeded day in a busy shop: customers, operators, visitors and mishaps, and then a quiet evening.

python -m tests.simulation.a_day 12        replays the day of seed 12 and prints what the farm logged
"""

from __future__ import annotations

import random
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
import trio

from farm.actors.replay import replay
from farm.domain.analysis import BoundingBox, Box, Filament, GcodeAnalysis
from farm.domain.command import (
    Cancel,
    ClearAttention,
    ClearEmergency,
    Command,
    Connect,
    Disconnect,
    Home,
    Jog,
    MaintenanceOff,
    MaintenanceOn,
    Pause,
    Resume,
    SendGcode,
    SetTemperature,
)
from farm.domain.ejecting import Ejecting
from farm.domain.event import Fact
from farm.domain.job import JobState
from farm.domain.printer import Operation, Profile
from farm.drivers.base import Loss
from farm.errors import FarmError
from farm.printers import tidy
from farm.printers.messages import ChangePrinter, RemovePrinter
from farm.queue.messages import ChangeJob, ClearPlate, UndoPlate
from farm.store import jobs, prints, remote_files
from tests.simulation.machine import Faults, Machine
from tests.simulation.shop import NOON, Shop, open_shop

PRINTERS = 6
PRINT_S = 40.0  # short, so that a day has many
FILE_SIZE = 1_000_000
PARTS = 40
COOLS_S = 3.0  # a bed of foil: in a day of trouble few coolings of many seconds end undisturbed
READ = GcodeAnalysis(
    bounding_box=BoundingBox(Box((0.0, 20.0), (0.0, 20.0), (0.2, 20.0))),
    filament=(Filament(0, g=3.0, material="PLA"),),
)
EJECTING = Ejecting(("G1 Z{over} F900", "G1 X100 Y0"), 45.0, at_most=20, confirmed=True)
LOOK_EVERY_S = 7.0
MOST_WAITING = 8  # jobs; customers come again later when there are more
EVENING_S = 3600.0
NEXT_YEAR = NOON + timedelta(days=365)
FELLED_AT_MOST_EVERY_S = 61.0  # else the queue would rightly be given up

_LETS_GO_ON = {JobState.HELD: "release", JobState.QUARANTINED: "retry", JobState.NEEDS_REVIEW: "retry"}
_OVER = frozenset({JobState.DONE, JobState.CANCELLED})


def part(number: int) -> str:
    return f"part{number}.gcode"


def ejects(printer: str) -> bool:
    """Whether a printer pushes its prints off by itself: every other one."""
    return int(printer[1:]) % 2 == 0


def profile_of(printer: str) -> Profile:
    return Profile((200.0, 200.0, 200.0), auto_eject=ejects(printer), ejection=EJECTING)


class Poison:
    """A message that the queue does not know: a bug planted in it."""


@dataclass
class Day:
    """What everybody in the shop shares. wished: the jobs that were acknowledged."""

    shop: Shop
    chance: random.Random
    wished: list[str] = field(default_factory=list)

    def someone(self) -> random.Random:
        return random.Random(self.chance.random())

    def any_printer(self, chance: random.Random) -> str:
        return chance.choice(sorted(self.shop.machines))


def random_faults(chance: random.Random) -> Faults:
    return Faults(
        unreachable=chance.choice([0, 0.01, 0.1]),
        upload_cut=chance.choice([0, 0.1, 0.4]),
        upload_slow=chance.choice([0, 0.2]),
        copy_lost=chance.choice([0, 0.1, 0.4]),
        copy_slow=chance.choice([0, 0.2]),
        copy_refused=chance.choice([0, 0.1]),
        delete_lost=chance.choice([0, 0.2]),
        start_lost_before=chance.choice([0, 0.05]),
        start_lost_after=chance.choice([0, 0.1, 0.5]),
        start_late=chance.choice([0, 0.1]),
        start_given_up=chance.choice([0, 0.1]),
        start_slow=chance.choice([0, 0.1]),
        start_refused=chance.choice([0, 0.1]),
        print_fails=chance.choice([0, 0.1, 0.2]),
        stop_lost=chance.choice([0, 0.3]),
        bug=chance.choice([0, 0, 0.002]),
    )


async def whatever_comes(wish: Awaitable[object]) -> bool:
    """Ask for something that may be refused, as things stand. Says whether it was granted."""
    try:
        await wish
    except FarmError:
        return False
    return True


# -- the people --------------------------------------------------------------------------------


async def customers(day: Day, chance: random.Random) -> None:
    """Wish for something now and then."""
    shop = day.shop
    while True:
        await trio.sleep(chance.expovariate(1 / 15))
        if len(await shop.database.read(jobs.waiting, NOON)) >= MOST_WAITING:
            continue
        file = f"file-{part(chance.randrange(PARTS))}"
        pinned = frozenset({day.any_printer(chance)}) if chance.random() < 0.2 else frozenset()
        try:
            job = await shop.add_job(
                file,
                copies=chance.randint(1, 4),
                yield_per_plate=chance.choice([1, 1, 3]),
                priority=chance.randint(0, 3),
                required_printers=pinned,
            )
        except FarmError:  # not acknowledged: the customer asks again later
            continue
        day.wished.append(job.id)


async def clerk(day: Day, chance: random.Random) -> None:
    """Changes jobs: holds, releases, retries, and now and then takes one back."""
    while True:
        await trio.sleep(chance.expovariate(1 / 15))
        open_jobs = await day.shop.database.read(jobs.open_jobs)
        if open_jobs:
            change = chance.choice(["hold", "release", "release", "retry", "retry", "retry", "cancel"])
            job = chance.choice(open_jobs).id
            await whatever_comes(day.shop.queue.ask(ChangeJob(job, change)))


async def operator(day: Day, chance: random.Random) -> None:
    """Walks by the printers: clears plates, now and then the wrong one, and lets go on what stopped."""
    while True:
        await trio.sleep(chance.uniform(4, 12))
        for name in sorted(day.shop.machines):
            if chance.random() < 0.9:
                await visit(day.shop, name, chance)


async def visit(shop: Shop, name: str, chance: random.Random) -> None:
    machine = shop.machines[name]
    machine.advance()
    if machine.running is None:
        waits = ejects(name) and chance.random() < 0.95  # for the printer to do it
        if (machine.dirty and not waits) or chance.random() < (0.1 if ejects(name) else 0.3):
            good = chance.randrange(4) if chance.random() < 0.1 else None
            await whatever_comes(shop.clear(name, good=good))
        if chance.random() < 0.05:
            await whatever_comes(shop.queue.ask(UndoPlate(name)))
    elif chance.random() < 0.1:
        await clear_wrongly(shop, name)
    if chance.random() < 0.8:
        await let_go_on(shop, name)


async def clear_wrongly(shop: Shop, name: str) -> None:
    """Say of a plate with a print of the farm on it that it is clear: that must be refused."""
    before = shop.promises.look(prints.active_on, name)
    try:
        await shop.queue.ask(ClearPlate(name))
    except FarmError:
        return
    after = shop.promises.look(prints.active_on, name)
    shop.promises.require(
        before is None or after is None or before.id != after.id, f"{name} was cleared under {before}"
    )
    if shop.machines[name].foreign:  # nobody can know what the farm has not seen yet: take it off, then
        shop.machines[name].dirty = False


async def let_go_on(shop: Shop, name: str) -> None:
    """End what keeps a printer from working, as somebody does who has looked at it."""
    status = await shop.status(name) if name in await shop.statuses() else None
    if status is None:
        return
    commands: dict[Operation, Command] = {
        Operation.EMERGENCY: ClearEmergency(),
        Operation.ATTENTION: ClearAttention(),
        Operation.MAINTENANCE: MaintenanceOff(),
        Operation.PAUSED: Resume(),
        Operation.UNKNOWN: Connect(),
    }
    if status.operation in commands:
        await whatever_comes(shop.tell(name, commands[status.operation]))


async def visitor(day: Day, chance: random.Random) -> None:
    """Presses buttons, on the page and at the machines."""
    shop = day.shop
    while True:
        await trio.sleep(chance.expovariate(1 / 10))
        name = day.any_printer(chance)
        command = chance.choice(
            [
                Pause("a phone call"),
                Resume(),
                Cancel("wrong colour"),
                SendGcode(("M115",)),
                SetTemperature("tool0", 60),
                Home(),
                Jog(x=1),
                MaintenanceOn("a new nozzle"),
                Disconnect(),
            ]
        )
        if chance.random() < 0.06:
            await whatever_comes(shop.stop(name))
        else:
            await whatever_comes(shop.tell(name, command))


async def owner(day: Day, chance: random.Random) -> None:
    """Takes a printer out, now and then under its print, and sets it up again."""
    while True:
        await trio.sleep(chance.expovariate(1 / 300))
        name, force = day.any_printer(chance), chance.random() < 0.3
        if await whatever_comes(day.shop.farm.address("printers").ask(RemovePrinter(name, force))):
            day.shop.promises.emergencies.discard(name)
            day.shop.promises.maintenance.discard(name)
            await trio.sleep(chance.uniform(0, 60))
            await back_again(day.shop, name)


async def electrician(day: Day, chance: random.Random) -> None:
    """Gives a printer another address, or switches it off in the settings for a while."""
    fleet, number = day.shop.farm.address("printers"), 0
    while True:
        await trio.sleep(chance.expovariate(1 / 100))
        name, number = day.any_printer(chance), number + 1
        if chance.random() < 0.5:
            address = {"url": f"http://{name}.test/{number}"}
            await whatever_comes(fleet.ask(ChangePrinter(name, {"connection": address, "name": name})))
        elif await whatever_comes(fleet.ask(ChangePrinter(name, {"enabled": False}))):
            await trio.sleep(chance.uniform(0, 60))
            await on_again(day.shop, name)


async def on_again(shop: Shop, name: str) -> None:
    for _ in range(100):
        if name not in await shop.statuses():
            return  # the owner has taken it out meanwhile
        if await whatever_comes(shop.farm.address("printers").ask(ChangePrinter(name, {"enabled": True}))):
            return
        await trio.sleep(5)
    raise TimeoutError(f"{name} could not be switched on again")


async def back_again(shop: Shop, name: str) -> None:
    for _ in range(100):
        if await whatever_comes(shop.add_printer(name, profile=profile_of(name))):
            return
        await trio.sleep(5)
    raise TimeoutError(f"{name} could not be set up again")


# -- the mishaps -------------------------------------------------------------------------------


async def fate(day: Day, chance: random.Random) -> None:
    """Lets happen to the machines what happens to machines."""
    mishaps = [cut_off, freeze, restart_host, lose_line, break_down, cancel_at_the_machine]
    while True:
        await trio.sleep(chance.expovariate(1 / 15))
        machine = day.shop.machines[day.any_printer(chance)]
        machine.advance()
        mishap = chance.choice([*mishaps, print_at_the_machine])
        if mishap is print_at_the_machine:
            over = sorted((day.shop.promises.over | machine.over) & machine.files.keys())
            print_at_the_machine(machine, chance, over)
        else:
            mishap(machine, chance)


def cut_off(machine: Machine, chance: random.Random) -> None:
    machine.away_until = trio.current_time() + chance.uniform(1, 60)


def freeze(machine: Machine, chance: random.Random) -> None:
    machine.frozen_until = trio.current_time() + chance.uniform(5, 90)


def restart_host(machine: Machine, chance: random.Random) -> None:
    machine.restart_host(chance.uniform(5, 40), chance.choice([None, None, Loss.CLOSED]))


def lose_line(machine: Machine, chance: random.Random) -> None:
    machine.lose(Loss.LINK_LOST)


def break_down(machine: Machine, chance: random.Random) -> None:
    machine.lose(Loss.FIRMWARE_ERROR, f"Thermal Runaway {chance.randrange(100)}")


def print_at_the_machine(machine: Machine, chance: random.Random, over: list[str]) -> None:
    if machine.running is None and machine.loss is None and not machine.frozen:
        name = chance.choice(over) if over and chance.random() < 0.3 else "benchy.gcode"
        machine.begin_foreign(name, chance.uniform(20, 90))


def cancel_at_the_machine(machine: Machine, chance: random.Random) -> None:
    if not machine.frozen:
        machine.end(good=False)


async def bugs(day: Day, chance: random.Random) -> None:
    """Fell the queue now and then."""
    while True:
        await trio.sleep(FELLED_AT_MOST_EVERY_S + chance.expovariate(1 / 200))
        day.shop.queue.tell_nowait(Poison())


EVERYBODY: tuple[Callable[[Day, random.Random], Awaitable[None]], ...] = (
    customers,
    clerk,
    operator,
    visitor,
    owner,
    electrician,
    fate,
    bugs,
)


# -- the day -----------------------------------------------------------------------------------


async def a_day(seed: int, dispatches: int) -> list[Fact]:
    """Let the shop work until so many starts were sent, and then come to rest with everything printed.

    Raises PromiseBroken, from the shop; and TooSlowError when something is stuck.
    """
    chance = random.Random(seed)
    async with open_shop(seed, look_every_s=LOOK_EVERY_S) as shop:
        day = Day(shop, chance)
        for number in range(PRINTERS):
            name = f"p{number}"
            await shop.add_printer(name, random_faults(chance), PRINT_S, profile=profile_of(name))
            shop.machines[name].cools_s = COOLS_S
        for number in range(PARTS):
            await shop.add_read_file(part(number), READ, FILE_SIZE)
        async with trio.open_nursery() as nursery:
            for somebody in EVERYBODY:
                nursery.start_soon(somebody, day, day.someone())
            await shop.promises.dispatched(dispatches)
            nursery.cancel_scope.cancel()
        await evening(day)
        return await shop.facts()


async def evening(day: Day) -> None:
    """No more mishaps and no more wishes: whoever is diligent now gets everything printed."""
    shop, chance = day.shop, day.someone()
    for name, machine in shop.machines.items():
        machine.faults = Faults()
        if name not in await shop.statuses():
            await back_again(shop, name)
        await on_again(shop, name)
    with trio.fail_after(EVENING_S):
        while await shop.database.read(jobs.open_jobs):
            await trio.sleep(20)
            for name in sorted(shop.machines):
                await visit(shop, name, chance)
            for job in await shop.database.read(jobs.open_jobs):
                if job.state in _LETS_GO_ON:
                    await whatever_comes(shop.queue.ask(ChangeJob(job.id, _LETS_GO_ON[job.state])))
    await check_what_is_left(shop)
    for wish in day.wished:  # nothing acknowledged is lost
        job = await shop.job(wish)
        shop.promises.require(job.state in _OVER, f"a wish is left: {job}")


async def everything_goes_on(shop: Shop) -> None:
    for _ in range(20):
        for name in sorted(shop.machines):
            await let_go_on(shop, name)
        await trio.sleep(10)


async def check_what_is_left(shop: Shop) -> None:
    """On the printers lie the files that are kept for some days, and no others of ours."""
    await everything_goes_on(shop)
    await trio.sleep(2 * tidy.LOOK_EVERY_S + 60)
    for name, machine in shop.machines.items():
        left = {file.name for file in await shop.database.read(remote_files.due, name, NEXT_YEAR, 10_000)}
        shop.promises.require(machine.files.keys() <= left, f"{name} keeps {machine.files.keys() - left}")
        now = NOON + timedelta(seconds=trio.current_time() - shop.begun)
        due = await shop.database.read(remote_files.due, name, now, 10_000)
        shop.promises.require(not due, f"{name} still has {due}")


if __name__ == "__main__":
    seed, dispatches = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 250

    def with_time(_: object, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
        return {"t": round(trio.current_time(), 2), **event}

    structlog.configure(processors=[with_time, structlog.dev.ConsoleRenderer(colors=False)])
    replay(seed, a_day, seed, dispatches)
