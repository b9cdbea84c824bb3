"""The life of a print's file on its printer: copied where it can be, deleted in time, and no other's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import trio

from farm.config import Settings
from farm.domain import job as job_module
from farm.domain.job import JobState, Print, PrintState
from farm.domain.printer import Operation, Plate
from farm.drivers.base import Capability
from farm.printers.messages import EmergencyStop
from farm.printers.tidy import LOOK_EVERY_S, REST_S
from farm.queue.messages import ChangeJob
from tests.simulation.machine import Faults
from tests.simulation.shop import Shop, open_shop

A_PRINT_S = 1000.0
DELETED_BY_S = REST_S + 5
KEPT_S = 3600.0  # here; it takes long to let seven days pass
UNDO_S = Settings().queue.plate_undo_s


@pytest.fixture(autouse=True)
def kept_for_hours(monkeypatch):
    assert timedelta(days=7) == job_module.KEPT_ON_PRINTER
    monkeypatch.setattr(job_module, "KEPT_ON_PRINTER", timedelta(seconds=KEPT_S))


async def print_once(shop: Shop, job: str) -> Print:
    """Clear the plate and let the job's next print come to its end."""
    await trio.sleep(1)
    await shop.clear("mk4")
    await trio.sleep(A_PRINT_S)
    attempt = (await shop.prints(job))[-1]
    assert attempt.ended_at is not None
    return attempt


async def a_shop_with(shop: Shop, faults: Faults | None = None, copies: int = 1) -> str:
    await shop.add_printer("mk4", faults)
    return (await shop.add_job(copies=copies)).id


async def until(wanted: Callable[[], object]) -> None:
    with trio.fail_after(A_PRINT_S):
        while not wanted():  # noqa: ASYNC110
            await trio.sleep(0.5)


def lie_there(shop: Shop) -> set[str]:
    return set(shop.machines["mk4"].files)


async def test_after_a_good_end_the_file_is_deleted(autojump_clock):
    async with open_shop(look_every_s=2) as shop:
        job = await a_shop_with(shop)
        await print_once(shop, job)
        assert lie_there(shop) == set()


@pytest.mark.parametrize("faults", [Faults(print_fails=1.0), Faults(start_lost_before=1.0)])
async def test_after_any_other_end_it_stays_for_some_days(faults, autojump_clock):
    async with open_shop(look_every_s=2) as shop:
        attempt = await print_once(shop, job := await a_shop_with(shop, faults))
        await shop.queue.ask(ChangeJob(job, "cancel"))
        assert attempt.state is PrintState.FAILED
        await trio.sleep(KEPT_S - A_PRINT_S - 10)
        assert lie_there(shop) == {attempt.remote_name}
        await trio.sleep(A_PRINT_S + LOOK_EVERY_S + 20)
        assert lie_there(shop) == set()


async def test_what_people_put_there_is_never_touched(autojump_clock):
    async with open_shop(look_every_s=2) as shop:
        job = await a_shop_with(shop)
        theirs = {"benchy.gcode": [True], "a1b2c3_benchy.gcode": []}
        shop.machines["mk4"].files.update(theirs)
        await print_once(shop, job)
        await trio.sleep(KEPT_S)
        assert lie_there(shop) == set(theirs)


async def test_a_printer_that_is_away_is_tidied_up_when_it_is_back(autojump_clock):
    async with open_shop(look_every_s=2) as shop:
        job = await a_shop_with(shop)
        await trio.sleep(1)
        await shop.clear("mk4")
        machine = shop.machines["mk4"]
        await until(lambda: machine.finished)
        machine.away_until = trio.current_time() + 3600
        await trio.sleep(3500)
        assert (await shop.prints(job))[0].state is PrintState.FINISHED
        assert len(lie_there(shop)) == 1
        await trio.sleep(150)
        assert lie_there(shop) == set()


async def test_a_crash_only_delays_what_is_owed(autojump_clock):
    async with open_shop(look_every_s=2) as shop:
        job = await a_shop_with(shop, Faults(delete_lost=1.0))
        await print_once(shop, job)
        shop.machines["mk4"].faults = Faults(bug=1.0)
        await trio.sleep(1.2)
        shop.machines["mk4"].faults = Faults()
        await trio.sleep(60)
        assert lie_there(shop) == set()


async def test_a_deletion_whose_answer_was_lost_is_asked_for_again_and_is_done(autojump_clock):
    async with open_shop(look_every_s=2) as shop:
        job = await a_shop_with(shop, Faults(delete_lost=1.0))
        attempt = await print_once(shop, job)
        heard: list[str] = []
        shop.machines["mk4"].on_delete = heard.append
        shop.machines["mk4"].faults = Faults()
        await trio.sleep(3 * LOOK_EVERY_S)
        assert heard == [attempt.remote_name]  # gone already, which is fine; and then it is noted


async def test_a_file_that_somebody_prints_again_is_left_alone_until_that_is_over(autojump_clock):
    async with open_shop(look_every_s=2) as shop:
        attempt = await print_once(shop, job := await a_shop_with(shop, Faults(print_fails=1.0)))
        await shop.queue.ask(ChangeJob(job, "cancel"))
        machine = shop.machines["mk4"]
        machine.faults = Faults()
        await trio.sleep(KEPT_S - A_PRINT_S)
        machine.begin_foreign(attempt.remote_name, 2 * A_PRINT_S)
        await trio.sleep(A_PRINT_S + LOOK_EVERY_S)
        assert (await shop.status("mk4")).foreign
        assert lie_there(shop) == {attempt.remote_name}
        await trio.sleep(A_PRINT_S + LOOK_EVERY_S)
        assert lie_there(shop) == set()


async def test_the_next_copy_is_made_on_the_printer_and_the_last_one_tidied_up(autojump_clock):
    async with open_shop(look_every_s=2) as shop:
        job, machine = await a_shop_with(shop, copies=3), None
        names = []
        for copy in range(3):
            names.append((await print_once(shop, job)).remote_name)
            machine = shop.machines["mk4"]
            assert (machine.uploads, machine.copies) == (1, copy)
            # the newest stays for the next copy, and goes with the last
            assert lie_there(shop) == ({names[-1]} if copy < 2 else set())
        assert (await shop.job(job)).state is JobState.DONE
        assert machine.starts == dict.fromkeys(names, 1)


async def test_another_job_for_the_same_content_is_a_copy_too(autojump_clock):
    async with open_shop(look_every_s=2) as shop:
        await print_once(shop, await a_shop_with(shop, Faults(print_fails=1.0)))
        shop.machines["mk4"].faults = Faults()
        await print_once(shop, (await shop.add_job(priority=1)).id)
        machine = shop.machines["mk4"]
        assert (machine.uploads, machine.copies) == (1, 1)


async def test_nothing_is_kept_for_a_job_that_may_not_run_there(autojump_clock):
    async with open_shop(look_every_s=2) as shop:
        job = await a_shop_with(shop)
        await shop.add_printer("mini")
        await shop.add_job(required_printers=frozenset({"mini"}))
        await print_once(shop, job)
        assert lie_there(shop) == set()


async def test_where_the_original_is_gone_or_cannot_be_copied_the_file_is_uploaded(autojump_clock):
    async with open_shop(look_every_s=2) as shop:
        job = await a_shop_with(shop, copies=3)
        await print_once(shop, job)
        machine = shop.machines["mk4"]
        machine.files.clear()  # somebody tidied up by hand
        await print_once(shop, job)
        machine.faults = Faults(copy_refused=1.0)
        assert (await print_once(shop, job)).state is PrintState.FINISHED
        assert (machine.uploads, machine.copies) == (3, 0)


async def test_a_kind_of_printer_that_cannot_copy_gets_every_file_by_upload(autojump_clock):
    async with open_shop(look_every_s=2) as shop:
        job = await a_shop_with(shop, copies=2)
        await trio.sleep(1)
        shop.driver_of("mk4").capabilities = frozenset(Capability) - {Capability.COPY}
        for _ in range(2):
            await print_once(shop, job)
        assert (shop.machines["mk4"].uploads, shop.machines["mk4"].copies) == (2, 0)


@pytest.mark.parametrize("faults", [Faults(copy_lost=0.5), Faults(copy_lost=1.0, copy_slow=1.0)])
async def test_a_copy_whose_answer_was_lost_is_found_or_given_up_and_never_written_over(
    faults, autojump_clock
):
    async with open_shop(look_every_s=2) as shop:
        job = await a_shop_with(shop, faults, copies=2)
        await print_once(shop, job)
        attempt = await print_once(shop, job)
        machine = shop.machines["mk4"]
        assert machine.uploads == 1
        assert attempt.state in (PrintState.FINISHED, PrintState.CANCELLED)
        assert machine.starts.get(attempt.remote_name, 0) == (attempt.state is PrintState.FINISHED)


async def test_a_copy_that_was_cut_off_by_a_crash_is_found_again(autojump_clock):
    async with open_shop(look_every_s=2) as shop:
        job = await a_shop_with(shop, Faults(copy_slow=1.0), copies=2)
        await print_once(shop, job)
        await shop.clear("mk4")
        machine = shop.machines["mk4"]
        await until(lambda: machine.growing)
        machine.faults = Faults(bug=1.0)
        await trio.sleep(1.2)
        machine.faults = Faults()
        await trio.sleep(A_PRINT_S)
        first, second = await shop.prints(job)
        assert (first.state, second.state) == (PrintState.FINISHED, PrintState.FINISHED)
        assert (machine.uploads, machine.copies) == (1, 1)


async def test_what_the_original_did_is_not_taken_for_an_end_of_its_copy(autojump_clock):
    async with open_shop(look_every_s=2) as shop:
        job = await a_shop_with(shop, copies=2)
        await print_once(shop, job)
        shop.machines["mk4"].faults = Faults(start_lost_before=1.0)
        attempt = await print_once(shop, job)
        assert attempt.state is PrintState.FAILED
        assert "never began" in attempt.reason


async def test_what_a_host_remembered_before_outlives_a_crash(autojump_clock):
    async with open_shop(look_every_s=2) as shop:
        job = await a_shop_with(shop, copies=2)
        await print_once(shop, job)
        shop.machines["mk4"].faults = Faults(print_fails=1.0)
        await shop.clear("mk4")
        await trio.sleep(60)
        shop.machines["mk4"].faults = Faults(print_fails=1.0, bug=1.0)
        await trio.sleep(1.2)
        shop.machines["mk4"].faults = Faults(print_fails=1.0)
        await trio.sleep(A_PRINT_S)
        assert (await shop.prints(job))[-1].state is PrintState.FAILED


async def test_tidying_up_gives_way_to_a_print_and_to_an_emergency(autojump_clock):
    async with open_shop(look_every_s=2) as shop:
        job = await a_shop_with(shop)

        async def endless(remote_name: str) -> None:
            await trio.sleep_forever()

        await print_once(shop, job)
        shop.driver_of("mk4").delete = endless
        begun = trio.current_time()
        other = await shop.add_job(await shop.add_file("other.gcode"))
        await shop.clear("mk4")
        await trio.sleep(UNDO_S + 5)
        assert (await shop.prints(other.id))[0].state is PrintState.PRINTING
        assert trio.current_time() - begun < 25
        await trio.sleep(A_PRINT_S)
        await shop.farm.address("printer:mk4").ask(EmergencyStop())
        assert (await shop.status("mk4")).operation is Operation.EMERGENCY
        assert await shop.plate("mk4") is Plate.OCCUPIED
