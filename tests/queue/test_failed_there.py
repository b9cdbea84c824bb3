"""Where a file has just failed it is not begun again while another printer is free, also without a plan."""

from __future__ import annotations

import trio

from farm.domain.job import PrintState
from farm.domain.printer import Connection
from farm.queue.look import ELSEWHERE_FIRST, around
from farm.queue.plan import ListPlan
from farm.queue.why_not import why_not
from tests.simulation.machine import Faults
from tests.simulation.shop import Shop, open_shop

UNDO_S = 20.0
A_PRINT_S = 200.0


async def fail_on_mk4(shop: Shop) -> str:
    """A job whose first print has failed on mk4; the plate of mini is not cleared yet."""
    await shop.add_printer("mk4", Faults(print_fails=1.0), print_s=A_PRINT_S / 2)
    await shop.add_printer("mini", print_s=A_PRINT_S / 2)
    job = await shop.add_job()
    await trio.sleep(1)
    await shop.clear("mk4")
    await trio.sleep(UNDO_S + A_PRINT_S)
    assert [(each.printer, each.state) for each in await shop.prints(job.id)] == [("mk4", PrintState.FAILED)]
    return job.id


async def printed_on(shop: Shop, job: str) -> list[str]:
    return [each.printer for each in await shop.prints(job)]


async def test_it_goes_to_another_printer_that_is_free(autojump_clock):
    async with open_shop() as shop:
        job = await fail_on_mk4(shop)
        await shop.clear("mk4")
        await trio.sleep(1)
        await shop.clear("mini")
        await trio.sleep(UNDO_S + A_PRINT_S)

        assert await printed_on(shop, job) == ["mk4", "mini"]


async def test_it_is_said_why(autojump_clock):
    async with open_shop() as shop:
        job = await fail_on_mk4(shop)
        shop.machines["mini"].faults = Faults(unreachable=1.0)
        await shop.clear("mk4", "mini")
        await trio.sleep(60)

        assert (await shop.status("mini")).connection is Connection.OFFLINE
        assert await printed_on(shop, job) == ["mk4"]
        at, waiting = shop.clocks.wall(), await shop.job(job)
        asked = (waiting, await shop.statuses(), ListPlan(), at)
        _, places, _ = await shop.database.read(around, *asked)
        (told,) = (each for each in why_not(waiting, places, at) if each.printer == "mk4")
        assert told.reason == "its file failed there a moment ago, and MINI is free for it"


async def test_it_does_not_wait_for_ever_for_one_that_does_not_come(autojump_clock):
    async with open_shop() as shop:
        job = await fail_on_mk4(shop)
        shop.machines["mini"].faults = Faults(unreachable=1.0)
        await shop.clear("mk4", "mini")
        await trio.sleep(ELSEWHERE_FIRST.total_seconds() + UNDO_S)

        assert await printed_on(shop, job) == ["mk4", "mk4"]


async def test_where_there_is_no_other_it_is_tried_again_at_once(autojump_clock):
    async with open_shop() as shop:
        job = await fail_on_mk4(shop)
        await shop.clear("mk4")
        await trio.sleep(UNDO_S + 10)

        assert await printed_on(shop, job) == ["mk4", "mk4"]


async def test_other_jobs_are_begun_there_meanwhile(autojump_clock):
    async with open_shop() as shop:
        failed = await fail_on_mk4(shop)
        shop.machines["mini"].faults = Faults(unreachable=1.0)
        other = await shop.add_job(await shop.add_file("other.gcode"))
        await shop.clear("mk4", "mini")
        await trio.sleep(UNDO_S + 10)

        assert await printed_on(shop, failed) == ["mk4"]
        assert await printed_on(shop, other.id) == ["mk4"]
