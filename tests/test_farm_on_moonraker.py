"""The farm on a real Moonraker, whose stand-in for Klipper executes what it is given."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from farm.domain.command import Cancel, ClearEmergency, Disconnect, Pause, Resume
from farm.domain.job import JobState, PrintState
from farm.domain.printer import Address, Operation, Plate
from farm.errors import Refused
from farm.printers.messages import EmergencyStop
from tests.drivers.moonraker.moonraker_bench import moving_gcode
from tests.one_printer_shop import Shop, shop_at
from tests.peers.moonraker import Moonraker

CHIP = Path(__file__).parent / "data" / "gcode" / "chip6_fast.gcode"

pytestmark = pytest.mark.moonraker


@asynccontextmanager
async def open_shop(moonraker: Moonraker, folder: Path) -> AsyncIterator[Shop]:
    """A new farm on an idle Moonraker."""
    await trio.to_thread.run_sync(moonraker.make_idle)
    async with shop_at(folder) as shop:
        await shop.add(Address("moonraker", moonraker.url, moonraker.api_key))
        yield shop
    await trio.to_thread.run_sync(moonraker.make_idle)


async def printed(moonraker: Moonraker, *names: str) -> list[tuple[str, str]]:
    """The prints of these files as Moonraker remembers them: name and end, the first first."""
    answer = await trio.to_thread.run_sync(moonraker.request, "GET", "/server/history/list?order=asc&limit=0")
    jobs = answer.json()["result"]["jobs"]
    return [(job["filename"], job["status"]) for job in jobs if job["filename"] in names]


async def test_two_copies_are_printed_the_second_one_from_a_copy_on_the_printer(moonraker, tmp_path):
    async with open_shop(moonraker, tmp_path) as shop:
        job = await shop.queue(CHIP.read_bytes(), copies=2)
        await shop.clear()
        await shop.until(lambda: shop.print_is(job, PrintState.FINISHED))
        assert await shop.shows(plate=Plate.OCCUPIED)
        await shop.clear()
        await shop.until(lambda: shop.job_is(job, JobState.DONE))

        names = [attempt.remote_name for attempt in await shop.prints(job)]
        assert await printed(moonraker, *names) == [(name, "completed") for name in names]


async def test_a_klipper_that_is_started_again_in_the_middle_prints_nothing_twice(moonraker, tmp_path):
    async with open_shop(moonraker, tmp_path) as shop:
        job = await shop.begin(moving_gcode(seconds=60))
        await trio.sleep(1)
        await shop.host(moonraker.stop_klippy, True)
        await shop.until(lambda: shop.shows(operation=Operation.UNKNOWN))
        assert "Klipper" in (await shop.status()).message
        await shop.host(moonraker.start)

        await shop.until(lambda: shop.print_is(job, PrintState.FAILED))
        await shop.until(lambda: shop.shows(operation=Operation.IDLE, plate=Plate.OCCUPIED))
        await trio.sleep(2)
        assert await shop.job_is(job, JobState.QUEUED)
        (first,) = await shop.prints(job)
        assert await printed(moonraker, first.remote_name) == [(first.remote_name, "klippy_disconnect")]

        await shop.clear()
        await shop.until(lambda: shop.print_is(job, PrintState.PRINTING))
        await shop.tell(Cancel())
        await shop.until(lambda: shop.print_is(job, PrintState.CANCELLED))
        _, second = await shop.prints(job)
        names = (first.remote_name, second.remote_name)
        assert [end for _, end in await printed(moonraker, *names)] == ["klippy_disconnect", "cancelled"]


@pytest.mark.long
async def test_a_print_is_paused_resumed_and_stopped_in_an_emergency(moonraker, tmp_path):
    async with open_shop(moonraker, tmp_path) as shop:
        job = await shop.begin(moving_gcode(seconds=60))
        await shop.tell(Pause())
        await shop.until(lambda: shop.print_is(job, PrintState.PAUSED))
        await shop.until(lambda: shop.shows(operation=Operation.PAUSED))
        await shop.tell(Resume())
        await shop.until(lambda: shop.print_is(job, PrintState.PRINTING))
        with pytest.raises(Refused, match="this kind of printer cannot do that"):
            await shop.tell(Disconnect())
        await shop.farm.address("printer:mk4").ask(EmergencyStop())
        await shop.until(lambda: shop.print_is(job, PrintState.FAILED))
        await shop.until(lambda: shop.shows(operation=Operation.EMERGENCY))

        await shop.tell(ClearEmergency())

        await shop.until(lambda: shop.shows(operation=Operation.IDLE, plate=Plate.OCCUPIED))


@pytest.mark.long
async def test_a_print_that_ended_while_the_farm_was_away_is_told_from_one_started_after_it(
    moonraker, tmp_path
):
    async with open_shop(moonraker, tmp_path) as shop:
        job = await shop.begin(moving_gcode(seconds=60))
        (attempt,) = await shop.prints(job)
    # As it was left, the print has been cancelled; now somebody starts its file at the machine. Moonraker
    # looks four times a second: what begins sooner after a cancel of its file is the same print to it.
    with trio.fail_after(10):
        while await printed(moonraker, attempt.remote_name) != [(attempt.remote_name, "cancelled")]:  # noqa: ASYNC110
            await trio.sleep(0.1)
    await shop.host(moonraker.done, "/printer/print/start", {"filename": attempt.remote_name})
    async with shop_at(tmp_path) as shop:
        await shop.until(lambda: shop.print_is(job, PrintState.FAILED))
        assert "started at the machine" in (await shop.prints(job))[0].reason
        await shop.until(lambda: shop.shows(operation=Operation.PRINTING, foreign_file=attempt.remote_name))


@pytest.mark.long
async def test_a_farm_that_was_away_takes_its_running_print_up_again(moonraker, tmp_path):
    async with shop_at(tmp_path) as shop:
        await shop.add(Address("moonraker", moonraker.url, moonraker.api_key))
        job = await shop.begin(moving_gcode(seconds=8))
    async with shop_at(tmp_path) as shop:
        await shop.until(lambda: shop.shows(operation=Operation.PRINTING, foreign=False))
        await shop.until(lambda: shop.print_is(job, PrintState.FINISHED))
        (attempt,) = await shop.prints(job)
        assert await printed(moonraker, attempt.remote_name) == [(attempt.remote_name, "completed")]
