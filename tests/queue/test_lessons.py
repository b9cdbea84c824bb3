"""What was printed teaches how long things take; what went wrong, or was not seen, teaches nothing."""

from __future__ import annotations

import math
from datetime import time, timedelta

import pytest
import trio

from farm.domain.analysis import GcodeAnalysis, PrintTime
from farm.domain.clock import parse_iso
from farm.domain.command import Cancel, Pause, Resume
from farm.domain.constraints import WEEK, Constraints, Shift
from farm.domain.durations import Phase
from farm.domain.job import PrintState
from farm.domain.printer import Profile
from farm.queue.messages import SetConstraints, UndoPlate
from farm.store import durations
from tests.simulation.machine import PRINT_S
from tests.simulation.shop import open_shop

MK4 = Profile(model="MK4")
ESTIMATED = GcodeAnalysis(time_s=PrintTime(slicer=500.0, motion=1.0))


async def begun(shop, found=ESTIMATED, printer="mk4"):
    """A job of which a print has just begun."""
    await shop.add_printer(printer)
    job = await shop.add_job(await shop.add_read_file("cube.gcode", found))
    await shop.clear(printer)
    await trio.sleep(100)
    assert (await shop.prints(job.id))[0].state is PrintState.PRINTING
    return job.id


async def ended(shop):
    """The newest print, once it is over."""
    for _ in range(int(2 * PRINT_S)):
        last = await shop.database.read(_last)
        if last["ended_at"] is not None:
            return last
        await trio.sleep(1)
    raise AssertionError("it goes on for ever")


def _last(db):
    return db.execute("SELECT * FROM prints ORDER BY reserved_at DESC LIMIT 1").fetchone()


async def learned(shop, phase, printer="mk4"):
    found = (await shop.database.read(durations.known)).phases.get(phase)
    return None if found is None else found.printers[printer]


async def test_a_print_teaches_how_far_its_slicer_was_off_and_how_long_sending_takes(autojump_clock):
    async with open_shop() as shop:
        await begun(shop)
        assert await learned(shop, Phase.PRINT_SLICER) is None
        print = await ended(shop)
        assert print["state"] == PrintState.FINISHED
        took_s = (parse_iso(print["ended_at"]) - parse_iso(print["started_at"])).total_seconds()
        rows = {
            row["phase"]: row["value"]
            for row in await shop.database.read(lambda db: db.execute("SELECT * FROM durations").fetchall())
        }
        assert set(rows) == {Phase.PRINT_SLICER, Phase.UPLOAD}
        assert rows[Phase.PRINT_SLICER] == pytest.approx(took_s / 500, rel=0.001)
        ratio = await learned(shop, Phase.PRINT_SLICER)
        assert ratio.count == 1
        assert min(1.0, took_s / 500) < ratio.typical < max(1.0, took_s / 500)


async def test_where_the_slicer_says_nothing_the_model_of_motion_is_measured(autojump_clock):
    async with open_shop() as shop:
        await begun(shop, GcodeAnalysis(time_s=PrintTime(motion=PRINT_S / 2, heating=60.0)))
        await ended(shop)
        assert (await learned(shop, Phase.PRINT_MOTION)).count == 1
        assert await learned(shop, Phase.PRINT_SLICER) is None


async def test_what_was_paused_or_cancelled_teaches_nothing(autojump_clock):
    async with open_shop() as shop:
        job = await begun(shop)
        await shop.tell("mk4", Pause("a look"))
        await trio.sleep(50)
        await shop.tell("mk4", Resume())
        await ended(shop)
        assert (await shop.prints(job))[0].state is PrintState.FINISHED
        other = await shop.add_job("file-cube.gcode")
        await shop.clear("mk4")
        await trio.sleep(100)
        await shop.tell("mk4", Cancel())
        await trio.sleep(50)
        assert (await shop.prints(other.id))[0].state is PrintState.CANCELLED
        assert await learned(shop, Phase.PRINT_SLICER) is None


async def cleared_after(shop, seconds):
    """Clear the plate so long after the print that has just begun has ended."""
    await ended(shop)
    await trio.sleep(seconds)
    await shop.clear("mk4")


async def test_a_cleared_plate_teaches_how_long_that_takes_unless_it_is_taken_back(autojump_clock):
    async with open_shop() as shop:
        await begun(shop)
        await cleared_after(shop, 900)
        found = await learned(shop, Phase.CLEAR)
        assert found.count == 1
        assert 300 < found.typical < 900
        await shop.queue.ask(UndoPlate("mk4"))
        assert (await learned(shop, Phase.CLEAR)).count == 0
        await shop.clear("mk4")
        assert (await learned(shop, Phase.CLEAR)).count == 1


async def test_a_plate_that_waited_for_people_teaches_nothing(autojump_clock):
    """It is noon, and the print ends after they have left."""
    async with open_shop() as shop:
        hours = (Shift(frozenset(WEEK), time(8), time(12, 5)), Shift(frozenset(WEEK), time(12, 30), time(18)))
        await shop.queue.ask(SetConstraints(Constraints(working_hours=hours)))
        await begun(shop)
        await cleared_after(shop, 1800)
        assert await learned(shop, Phase.CLEAR) is None


async def test_what_a_printer_taught_is_kept_for_its_newest_prints_and_outlives_it(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4", profile=MK4)
        await shop.add_printer("new", profile=MK4)
        at = shop.farm._seams.clock()

        def taught(db):
            for number in range(durations.KEPT + 50):
                value = 3.0 if number < 50 else 1.5
                when = at + timedelta(seconds=number)
                durations.teach(db, f"p{number}", "mk4", Phase.PRINT_SLICER, value, when)
            durations.teach(db, "p", "mk4", Phase.PRINT_SLICER, math.inf, at)  # no clock measures that

        await shop.database.write(taught)
        assert (await learned(shop, Phase.PRINT_SLICER)).count == durations.KEPT
        assert (await learned(shop, Phase.PRINT_SLICER)).typical == pytest.approx(1.5, rel=0.01)
        before = await learned(shop, Phase.PRINT_SLICER, "new")
        assert before.typical > 1.3

        await shop.database.write(lambda db: db.execute("DELETE FROM printers WHERE id = 'mk4'"))
        assert await learned(shop, Phase.PRINT_SLICER, "new") == before
