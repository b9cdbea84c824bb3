"""Maintenance and emergencies at any moment of a start: who is told that it is safe has to be right."""

from __future__ import annotations

import os

import pytest
import trio

from farm.actors.replay import replay
from farm.domain.command import Cancel, Disconnect, Home, Jog, MaintenanceOff, MaintenanceOn, Pause
from farm.domain.job import JobState, PrintState
from farm.domain.printer import Operation
from farm.errors import Refused
from tests.simulation.machine import PRINT_S, Faults
from tests.simulation.shop import Shop, open_shop

A_PRINT_S = 1000.0
LOOK_S = 2.0
SHORT_S = 20.0
SCALE = float(os.environ.get("FARM_TEST_SCALE", "0.1"))
# From the end of the undo over upload and start to printing.
MOMENTS = [15.0 + step / 40 for step in range(0, 40, 1 if SCALE >= 1 else 5)]
STARTS = {
    "at once": Faults(),
    "answered late": Faults(start_slow=1.0),
    "answer lost": Faults(start_lost_after=1.0),
    "answer lost, carried out late": Faults(start_late=1.0),
    "never arrives": Faults(start_lost_before=1.0),
}


async def about_to_start(shop: Shop, faults: Faults, seconds: float, print_s: float = PRINT_S) -> str:
    await shop.add_printer("mk4", faults, print_s)
    job = await shop.add_job()
    await trio.sleep(1)
    await shop.clear("mk4")
    await trio.sleep(seconds)
    return job.id


async def first_shown(shop: Shop, operation: Operation) -> float:
    with trio.fail_after(2 * A_PRINT_S):
        while (await shop.status("mk4")).operation is not operation:  # noqa: ASYNC110
            await trio.sleep(0.1)
    return trio.current_time()


@pytest.mark.parametrize("start", STARTS)
def test_nothing_begins_on_a_printer_that_is_shown_to_be_in_maintenance(start: str):
    """At every moment of its way; the shop looks that no start is sent meanwhile."""
    began_before = 0

    async def at(moment: float) -> None:
        nonlocal began_before
        async with open_shop(round(moment * 40), look_every_s=LOOK_S) as shop:
            job = await about_to_start(shop, STARTS[start], moment, SHORT_S)
            await shop.tell("mk4", MaintenanceOn("a new nozzle"))
            safe_from = await first_shown(shop, Operation.MAINTENANCE)
            machine = shop.machines["mk4"]
            assert machine.running is None
            await trio.sleep(100)
            assert (await shop.status("mk4")).operation is Operation.MAINTENANCE
            assert not machine.starts or machine.began_at < safe_from
            began_before += len(machine.starts)
            await shop.tell("mk4", MaintenanceOff())
            assert (await shop.job(job)).state in (JobState.QUEUED, JobState.ACTIVE, JobState.DONE)

    for moment in MOMENTS:
        replay(round(moment * 40), at, moment)
    assert began_before or start == "never arrives"


async def test_maintenance_waits_for_a_start_that_is_on_its_way_and_says_so(autojump_clock):
    async with open_shop(look_every_s=LOOK_S) as shop:
        job = await about_to_start(shop, STARTS["never arrives"], 0)
        await shop.promises.dispatched(1)
        await trio.sleep(1)
        await shop.tell("mk4", MaintenanceOn("a new nozzle"))
        shown = await shop.status("mk4")
        assert shown.operation is Operation.PREPARING
        await trio.sleep(2)
        assert (await shop.status("mk4")).message == "maintenance begins when the print on it is over"
        await trio.sleep(100)
        shown = await shop.status("mk4")
        assert (shown.operation, shown.message) == (Operation.MAINTENANCE, "a new nozzle")
        assert (await shop.prints(job))[0].state is PrintState.FAILED


async def test_a_printer_that_nobody_sees_is_not_called_safe_while_it_may_print(autojump_clock):
    async with open_shop(look_every_s=LOOK_S) as shop:
        await about_to_start(shop, Faults(), 60)
        machine = shop.machines["mk4"]
        assert machine.running
        machine.away_until = trio.current_time() + 300
        await trio.sleep(60)
        await shop.tell("mk4", MaintenanceOn())
        assert (await shop.status("mk4")).operation is Operation.UNKNOWN
        await trio.sleep(A_PRINT_S)
        assert (await shop.status("mk4")).operation is Operation.MAINTENANCE


@pytest.mark.parametrize("command", [Home(), Jog(z=1), Disconnect(), Pause(), Cancel()], ids=repr)
async def test_what_would_meet_a_start_on_its_way_is_refused(command, autojump_clock):
    async with open_shop(look_every_s=LOOK_S) as shop:
        await about_to_start(shop, STARTS["never arrives"], 0)
        await shop.promises.dispatched(1)
        await trio.sleep(1)
        with pytest.raises(Refused, match="being started"):
            await shop.tell("mk4", command)


@pytest.mark.parametrize("start", STARTS)
def test_nothing_goes_on_after_an_emergency_stop_at_any_moment_of_a_start(start: str):
    async def at(moment: float) -> None:
        async with open_shop(round(moment * 40), look_every_s=LOOK_S) as shop:
            job = await about_to_start(shop, STARTS[start], moment, SHORT_S)
            await shop.stop("mk4")
            assert (await shop.status("mk4")).operation is Operation.EMERGENCY
            await trio.sleep(100)
            machine = shop.machines["mk4"]
            assert machine.running is None
            assert (await shop.status("mk4")).operation is Operation.EMERGENCY
            assert len(await shop.prints(job)) <= 1

    for moment in MOMENTS:
        replay(round(moment * 40), at, moment)
