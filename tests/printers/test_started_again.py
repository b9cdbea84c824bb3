"""Our file printed again at the machine: the end of ours counts, and the other print is left alone."""

from __future__ import annotations

import pytest
import trio

from farm.domain.job import JobState, PrintState
from farm.domain.printer import Operation, Plate
from farm.drivers.base import Outcome
from farm.printers.adoption import BEGIN_WITHIN_S
from tests.simulation.machine import Faults, Machine
from tests.simulation.shop import Shop, open_shop

A_PRINT_S = 1000.0
LOOK_S = 2.0


async def begin(shop: Shop, copies: int = 1) -> tuple[str, Machine]:
    await shop.add_printer("mk4")
    job = await shop.add_job(copies=copies)
    await shop.clear("mk4")
    await trio.sleep(60)
    assert (await shop.prints(job.id))[0].state is PrintState.PRINTING
    return job.id, shop.machines["mk4"]


async def out_of_sight(shop: Shop, how: str, seconds: float) -> None:
    """The printer goes on for so long, and nobody can see what it does."""
    machine = shop.machines["mk4"]
    if how == "the host":
        machine.away_until = trio.current_time() + seconds
        await trio.sleep(seconds - 1)
    else:
        machine.faults = Faults(bug=1.0)  # the printer's actor crashes, till it is left alone for minutes
        await trio.sleep(seconds)
        machine.faults = Faults()


async def shown_again(shop: Shop) -> None:
    await trio.sleep(400)  # a faulted actor is tried again after five minutes


@pytest.mark.parametrize("how", ["the host", "the farm"])
@pytest.mark.parametrize(
    ("good", "ended", "then"),
    [(True, PrintState.FINISHED, JobState.DONE), (False, PrintState.FAILED, JobState.QUEUED)],
)
async def test_an_end_that_nobody_saw_counts_and_what_was_started_after_it_is_foreign(
    how, good, ended, then, autojump_clock
):
    async with open_shop(look_every_s=LOOK_S) as shop:
        job, machine = await begin(shop)
        ours = machine.running

        async def meanwhile() -> None:
            await trio.sleep(100)
            machine.end(good=good)
            machine.begin_foreign(ours, 3 * A_PRINT_S)

        shop.later.start_soon(meanwhile)
        await out_of_sight(shop, how, 200)
        await shown_again(shop)

        (attempt,) = await shop.prints(job)
        assert (attempt.state, attempt.remote_name) == (ended, ours)
        assert "started at the machine" in attempt.reason
        assert (await shop.job(job)).state is then
        status = await shop.status("mk4")
        assert (status.operation, status.foreign, status.print) == (Operation.PRINTING, True, None)
        assert await shop.plate("mk4") is Plate.OCCUPIED

        await trio.sleep(3 * A_PRINT_S)
        assert (await shop.prints(job))[0].state is ended
        assert machine.starts == {ours: 1}
        assert not (await shop.status("mk4")).foreign


@pytest.mark.parametrize("how", ["the host", "the farm"])
async def test_a_print_that_went_on_unseen_is_still_ours(how, autojump_clock):
    async with open_shop(look_every_s=LOOK_S) as shop:
        job, machine = await begin(shop)
        machine.ends_at = trio.current_time() + 2 * A_PRINT_S
        await out_of_sight(shop, how, 200)
        await shown_again(shop)
        status = await shop.status("mk4")
        assert (status.foreign, status.print.job) == (False, job)
        await trio.sleep(2 * A_PRINT_S)
        assert (await shop.prints(job))[0].state is PrintState.FINISHED


async def test_a_file_started_again_between_two_looks_is_noticed_by_its_time(autojump_clock):
    async with open_shop(look_every_s=LOOK_S) as shop:
        job, machine = await begin(shop)
        ours = machine.running
        machine.end(good=False)
        machine.begin_foreign(ours, A_PRINT_S)
        await trio.sleep(3 * LOOK_S)
        assert (await shop.prints(job))[0].state is PrintState.FAILED
        assert (await shop.status("mk4")).foreign


async def test_after_an_end_that_we_saw_the_same_file_is_foreign(autojump_clock):
    async with open_shop(look_every_s=LOOK_S) as shop:
        job, machine = await begin(shop)
        ours = machine.running
        machine.end(good=False)
        await trio.sleep(30)
        machine.begin_foreign(ours, A_PRINT_S)
        await trio.sleep(30)
        assert (await shop.status("mk4")).foreign
        await trio.sleep(A_PRINT_S)
        assert [attempt.state for attempt in await shop.prints(job)] == [PrintState.FAILED]
        assert (await shop.job(job)).state is JobState.QUEUED


async def test_a_host_that_fell_over_remembers_nothing_and_a_restart_by_hand_goes_on_as_ours(autojump_clock):
    async with open_shop(look_every_s=LOOK_S) as shop:
        job, machine = await begin(shop)
        ours = machine.running
        machine.restart_host(20.0, None)
        machine.begin_foreign(ours, A_PRINT_S)
        machine.foreign = False  # by all that anybody can know
        await trio.sleep(60)
        status = await shop.status("mk4")
        assert (status.foreign, status.print.job) == (False, job)
        await trio.sleep(A_PRINT_S)
        assert (await shop.prints(job))[0].state is PrintState.FINISHED


async def test_time_in_which_nobody_sees_the_printer_proves_nothing_about_a_start(autojump_clock):
    async with open_shop(look_every_s=LOOK_S) as shop:
        await shop.add_printer("mk4", Faults(start_lost_before=1.0))
        job = await shop.add_job()
        await shop.clear("mk4")
        await shop.promises.dispatched(1)
        await trio.sleep(0.5)  # the start is out by then, and lost
        machine = shop.machines["mk4"]
        machine.away_until = trio.current_time() + 600
        await trio.sleep(610)
        (attempt,) = await shop.prints(job.id)
        await machine.begin_later(attempt.remote_name, 20.0)  # its host took the start before it hung
        await trio.sleep(10)
        (attempt,) = await shop.prints(job.id)
        assert attempt.state is PrintState.PRINTING
        assert BEGIN_WITHIN_S < 600


async def test_a_print_that_ends_between_a_look_and_the_question_is_simply_finished(
    autojump_clock, monkeypatch
):
    async with open_shop(look_every_s=LOOK_S) as shop:
        job, machine = await begin(shop)
        driver = shop.drivers["mk4"]
        asked = driver.outcome

        async def just_over(remote_name: str, mark: str = "") -> Outcome:
            if machine.running == remote_name:
                machine.end(good=True)
            return await asked(remote_name, mark)

        monkeypatch.setattr(driver, "outcome", just_over)
        await out_of_sight(shop, "the host", 60)
        await shown_again(shop)

        (attempt,) = await shop.prints(job)
        assert (attempt.state, attempt.reason) == (PrintState.FINISHED, "")
