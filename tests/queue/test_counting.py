"""Good parts are counted when a plate is cleared, and a job is done when enough of them are there."""

from __future__ import annotations

import pytest
import trio

from farm.config import Settings
from farm.domain.job import JobState, PrintState
from farm.domain.printer import Plate
from farm.errors import Invalid
from farm.queue.messages import ChangeJob, ClearPlate, UndoPlate
from farm.queue.settling import MAX_FAILURES
from farm.store import jobs
from tests.simulation.shop import NOON, Shop, open_shop

A_PRINT_S = 1000.0
UNDO_S = Settings().queue.plate_undo_s


async def printed(shop: Shop, printer: str = "mk4", **wishes: object) -> str:
    """A job of which one print has just ended well; its id."""
    await shop.add_printer(printer)
    job = await shop.add_job(required_printers=frozenset({printer}), **wishes)
    await shop.clear(printer)
    await trio.sleep(A_PRINT_S)
    assert (await shop.prints(job.id))[0].state is PrintState.FINISHED
    return job.id


async def test_a_plate_counts_as_all_good_until_somebody_says_otherwise(autojump_clock):
    async with open_shop() as shop:
        job = await printed(shop, copies=1, yield_per_plate=4)
        done = await shop.job(job)
        assert (done.state, done.done, done.made, done.good) == (JobState.DONE, 1, 4, 0)

        await shop.clear("mk4")
        await trio.sleep(A_PRINT_S)

        done = await shop.job(job)
        assert (done.state, done.done, done.good) == (JobState.DONE, 1, 4)
        assert len(await shop.prints(job)) == 1


async def test_a_job_goes_on_until_enough_parts_are_good(autojump_clock):
    async with open_shop() as shop:
        job = await printed(shop, copies=2, yield_per_plate=4)
        await shop.clear("mk4", good=3)
        await trio.sleep(A_PRINT_S)
        await shop.clear("mk4", good=4)  # 7 of 8
        short = await shop.job(job)
        assert (short.state, short.done, short.to_begin) == (JobState.QUEUED, 1, 1)
        await trio.sleep(A_PRINT_S)
        await shop.clear("mk4", good=2)
        await trio.sleep(A_PRINT_S)

        enough = await shop.job(job)
        assert (enough.state, enough.done, enough.good, enough.to_begin) == (JobState.DONE, 2, 9, 0)
        assert [attempt.good for attempt in await shop.prints(job)] == [3, 4, 2]


async def test_a_count_that_is_taken_back_changes_nothing(autojump_clock):
    async with open_shop() as shop:
        job = await printed(shop)
        await shop.clear("mk4", good=0)
        assert (await shop.job(job)).state is JobState.QUEUED
        await shop.queue.ask(UndoPlate("mk4"))
        assert (await shop.job(job)).state is JobState.DONE
        assert await shop.plate("mk4") is Plate.OCCUPIED
        await trio.sleep(A_PRINT_S)
        await shop.clear("mk4", good=1)
        assert (await shop.job(job)).state is JobState.DONE
        told = [fact.data["good"] for fact in await shop.facts() if fact.type == "print.counted"]
        assert told == [0, None, 1]


async def test_a_second_number_mends_the_first_as_long_as_nothing_has_begun(autojump_clock):
    async with open_shop() as shop:
        job = await printed(shop, yield_per_plate=4)
        await shop.clear("mk4", good=1)
        await shop.clear("mk4")
        assert (await shop.job(job)).good == 1
        await shop.clear("mk4", good=4)
        assert ((await shop.job(job)).good, (await shop.job(job)).state) == (4, JobState.DONE)


async def test_plates_without_a_good_part_stop_the_job_like_failed_prints(autojump_clock):
    async with open_shop() as shop:
        job = await printed(shop, copies=5)
        for _ in range(MAX_FAILURES):
            await shop.clear("mk4", good=0)
            await trio.sleep(A_PRINT_S)
        spoiled = await shop.job(job)
        assert (spoiled.state, spoiled.failed, spoiled.done) == (JobState.QUARANTINED, MAX_FAILURES, 0)
        assert (await shop.queue.ask(ChangeJob(job, "retry"))).failed == 0


async def test_a_spoiled_plate_of_a_job_that_waits_for_a_person_already_changes_nothing(autojump_clock):
    async with open_shop() as shop:
        job = await printed(shop, copies=5)
        for _ in range(MAX_FAILURES - 1):
            await shop.clear("mk4", good=0)
            await trio.sleep(A_PRINT_S)
        await shop.database.write(jobs.enter, job, JobState.NEEDS_REVIEW, NOON, "test", "look")
        await shop.clear("mk4", good=0)
        seen = await shop.job(job)
        assert (seen.state, seen.failed) == (JobState.NEEDS_REVIEW, MAX_FAILURES)


async def test_a_file_that_gives_no_good_part_on_two_printers_stops_everywhere(autojump_clock):
    async with open_shop() as shop:
        jobs = [await printed(shop, name) for name in ("mk4", "mini")]
        waiting = await shop.add_job(hold=True)
        await shop.clear("mk4", "mini", good=0)
        for job in (*jobs, waiting.id):
            assert (await shop.job(job)).state is JobState.QUARANTINED


async def test_good_parts_of_a_print_whose_end_nobody_saw_count(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        job = await shop.add_job(yield_per_plate=3)
        await shop.clear("mk4")
        await trio.sleep(60)
        shop.machines["mk4"].restart_host(5.0, None)  # in the middle of the print: it remembers nothing
        await trio.sleep(300)
        assert (await shop.job(job.id)).state is JobState.NEEDS_REVIEW
        await shop.clear("mk4", good=3)
        seen = await shop.job(job.id)
        assert (seen.state, seen.done, seen.failed) == (JobState.DONE, 1, 0)


@pytest.mark.parametrize("good", [2, 99])
async def test_more_good_parts_than_a_plate_has_are_refused_by_name(good, autojump_clock):
    async with open_shop() as shop:
        job = await printed(shop, yield_per_plate=1)
        with pytest.raises(Invalid, match="1 parts") as refusal:
            await shop.clear("mk4", good=good)
        assert refusal.value.field == "good"
        assert await shop.plate("mk4") is Plate.OCCUPIED
        assert (await shop.prints(job))[0].good is None


async def test_parts_cannot_be_counted_where_nothing_of_ours_lies(autojump_clock):
    async with open_shop() as shop:
        await shop.add_printer("mk4")
        with pytest.raises(Invalid, match="leave good out"):
            await shop.queue.ask(ClearPlate("mk4", 1))
        job = await printed(shop, "mini")
        await shop.clear("mini")
        await trio.sleep(A_PRINT_S)
        machine = shop.machines["mini"]
        machine.begin_foreign("benchy.gcode", 50)
        await trio.sleep(100)
        with pytest.raises(Invalid, match="leave good out"):
            await shop.queue.ask(ClearPlate("mini", 1))
        assert (await shop.job(job)).good == 1
