"""A start that a print host carries out after the farm has given it up: shown as it is, and never doubled."""

from __future__ import annotations

import pytest
import trio

from farm.domain.job import JobState, PrintState
from farm.domain.printer import Operation, Plate
from farm.errors import Refused
from farm.queue.messages import ChangeJob
from tests.simulation.machine import Faults, Machine
from tests.simulation.shop import Shop, open_shop

A_PRINT_S = 1000.0
GIVEN_UP_S = 100.0
LOOK_S = 2.0


async def given_up(shop: Shop, copies: int = 1) -> tuple[str, str]:
    """A job of which one print counts as never begun; its id, and what its file is called there."""
    await shop.add_printer("mk4", Faults(start_lost_before=1.0))
    job = await shop.add_job(copies=copies)
    await shop.clear("mk4")
    await trio.sleep(GIVEN_UP_S)
    (attempt,) = await shop.prints(job.id)
    assert (attempt.state, attempt.started_at) == (PrintState.FAILED, None)
    shop.machines["mk4"].faults = Faults()
    return job.id, attempt.remote_name


async def begins_after_all(shop: Shop, name: str) -> Machine:
    machine = shop.machines["mk4"]
    machine.begin(name)
    await trio.sleep(20)
    return machine


async def test_it_is_shown_and_its_job_waits_for_a_person(autojump_clock):
    async with open_shop(look_every_s=LOOK_S) as shop:
        job, name = await given_up(shop)
        machine = await begins_after_all(shop, name)

        (attempt,) = await shop.prints(job)
        assert attempt.state is PrintState.UNKNOWN
        assert "taken for never begun" in attempt.reason
        assert (await shop.job(job)).state is JobState.NEEDS_REVIEW
        status = await shop.status("mk4")
        assert (status.operation, status.foreign, status.foreign_file) == (Operation.PRINTING, True, name)
        assert await shop.plate("mk4") is Plate.OCCUPIED
        with pytest.raises(Refused, match="printing"):
            await shop.clear("mk4")

        await shop.add_printer("mini")
        await shop.clear("mini")
        await trio.sleep(A_PRINT_S)
        assert shop.machines["mini"].starts == {}  # no second one is begun by itself
        assert machine.starts == {name: 1}


async def test_who_takes_its_part_off_the_plate_and_counts_it_ends_the_job(autojump_clock):
    async with open_shop(look_every_s=LOOK_S) as shop:
        job, name = await given_up(shop)
        await begins_after_all(shop, name)
        await trio.sleep(A_PRINT_S)
        await shop.clear("mk4", good=1)
        done = await shop.job(job)
        assert (done.state, done.good) == (JobState.DONE, 1)
        await trio.sleep(A_PRINT_S)
        assert shop.machines["mk4"].starts == {name: 1}


async def test_a_copy_that_is_in_work_elsewhere_by_then_goes_on(autojump_clock):
    async with open_shop(look_every_s=LOOK_S) as shop:
        job, name = await given_up(shop)
        await shop.add_printer("mini")
        await shop.clear("mini")
        await trio.sleep(60)
        assert (await shop.job(job)).state is JobState.ACTIVE
        await begins_after_all(shop, name)
        assert (await shop.job(job)).state is JobState.NEEDS_REVIEW
        await trio.sleep(A_PRINT_S)
        states = [attempt.state for attempt in await shop.prints(job)]
        assert states == [PrintState.UNKNOWN, PrintState.FINISHED]
        assert (await shop.job(job)).state is JobState.DONE


async def test_a_person_who_sends_the_job_to_work_again_is_not_asked_twice(autojump_clock):
    async with open_shop(look_every_s=LOOK_S) as shop:
        job, name = await given_up(shop)
        await begins_after_all(shop, name)
        await shop.queue.ask(ChangeJob(job, "retry"))
        shop.queue.tell_nowait("not a message of ours")  # fells the queue, which then looks anew
        await trio.sleep(30)
        assert (await shop.status("mk4")).foreign
        assert (await shop.job(job)).state is JobState.QUEUED


async def test_it_may_come_when_its_plate_was_cleared_and_the_next_print_is_on_its_way(autojump_clock):
    async with open_shop(look_every_s=LOOK_S) as shop:
        job, name = await given_up(shop)
        other = await shop.add_job(await shop.add_file("other.gcode", 1_000_000), priority=5)
        shop.machines["mk4"].faults = Faults(upload_slow=1.0)
        await shop.clear("mk4")
        await trio.sleep(16)
        assert (await shop.prints(other.id))[0].state is PrintState.UPLOADING
        machine = await begins_after_all(shop, name)
        await trio.sleep(60)
        assert (await shop.prints(other.id))[0].state is PrintState.CANCELLED  # taken back
        assert (await shop.prints(job))[0].state is PrintState.UNKNOWN
        assert await shop.plate("mk4") is Plate.OCCUPIED
        assert machine.starts == {name: 1}


async def test_a_file_that_failed_and_is_printed_again_by_hand_is_no_late_start(autojump_clock):
    async with open_shop(look_every_s=LOOK_S) as shop:
        await shop.add_printer("mk4", Faults(print_fails=1.0))
        job = await shop.add_job()
        await shop.clear("mk4")
        await trio.sleep(A_PRINT_S)
        (attempt,) = await shop.prints(job.id)
        assert attempt.state is PrintState.FAILED
        shop.machines["mk4"].begin_foreign(attempt.remote_name, A_PRINT_S)
        await trio.sleep(60)
        assert (await shop.status("mk4")).foreign_file == attempt.remote_name
        assert (await shop.prints(job.id))[0].state is PrintState.FAILED
        assert (await shop.job(job.id)).state is JobState.QUEUED
