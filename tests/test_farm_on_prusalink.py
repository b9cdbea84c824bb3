"""The farm on a real PrusaLink, whose stand-in for an MK3 executes what it is sent."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
import trio

from farm.domain.command import Cancel, Pause, Resume
from farm.domain.job import JobState, PrintState
from farm.domain.printer import Address, Operation, Plate
from farm.drivers import kinds
from farm.drivers.prusalink.driver import PrusaLinkDriver
from farm.printers import adoption
from farm.printers.messages import EmergencyStop, Halted
from tests.drivers.prusalink.prusalink_bench import QUICK
from tests.one_printer_shop import Shop, shop_at
from tests.peers.prusalink import PrusaLink, folder, gcode, program

CHIP = Path(__file__).parent / "data" / "gcode" / "chip6_fast.gcode"

pytestmark = pytest.mark.prusalink


@pytest.fixture
def quick(monkeypatch):
    """Looks come faster than is good for a small computer, so that nobody waits for them here."""
    quick = kinds.Kind(partial(PrusaLinkDriver, rhythm=QUICK), PrusaLinkDriver.capabilities)
    monkeypatch.setattr(kinds, "KINDS", {**kinds.KINDS, "prusalink": quick})


@asynccontextmanager
async def open_shop(prusalink: PrusaLink, folder: Path) -> AsyncIterator[Shop]:
    """A new farm on an idle PrusaLink, whose print goes on when the farm ends."""
    await trio.to_thread.run_sync(prusalink.make_idle)
    async with shop_at(folder) as shop:
        user, password = prusalink.username, prusalink.password
        await shop.add(Address("prusalink", prusalink.url, username=user, password=password))
        yield shop


async def test_a_file_of_a_slicer_is_printed_to_its_end(prusalink, tmp_path, quick):
    async with open_shop(prusalink, tmp_path) as shop:
        job = await shop.queue(CHIP.read_bytes())
        await shop.clear()
        await shop.until(lambda: shop.job_is(job, JobState.DONE))

        (attempt,) = await shop.prints(job)
        assert attempt.state is PrintState.FINISHED
        assert await shop.shows(plate=Plate.OCCUPIED)
        assert prusalink.mk3.do("report")["extruded_mm"] > 0


async def test_a_print_is_paused_resumed_and_cancelled(prusalink, tmp_path, quick):
    async with open_shop(prusalink, tmp_path) as shop:
        job = await shop.begin(gcode(seconds=60))
        await shop.tell(Pause())
        await shop.until(lambda: shop.print_is(job, PrintState.PAUSED))
        await shop.until(lambda: shop.shows(operation=Operation.PAUSED))
        await shop.tell(Resume())
        await shop.until(lambda: shop.print_is(job, PrintState.PRINTING))
        await shop.tell(Cancel())
        await shop.until(lambda: shop.print_is(job, PrintState.CANCELLED))
        await shop.until(lambda: shop.shows(operation=Operation.IDLE, plate=Plate.OCCUPIED))


async def test_in_an_emergency_its_print_is_cancelled_and_somebody_sent_to_the_plug(
    prusalink, tmp_path, quick
):
    async with open_shop(prusalink, tmp_path) as shop:
        job = await shop.begin(gcode(seconds=60))

        with trio.fail_after(3):
            halted = await shop.farm.address("printer:mk4").ask(EmergencyStop())

        assert halted is Halted.ONLY_CANCELLED
        await shop.until(lambda: shop.print_is(job, PrintState.CANCELLED, PrintState.FAILED))
        status = await shop.status()
        assert status.operation is Operation.EMERGENCY
        assert "switch it off at the plug" in status.message
        assert prusalink.job() is None


@pytest.mark.long
async def test_a_print_is_followed_by_a_farm_that_was_started_again(prusalink, tmp_path, quick):
    async with open_shop(prusalink, tmp_path) as shop:
        job = await shop.begin(gcode(seconds=20))
    async with shop_at(tmp_path) as shop:
        await shop.until(lambda: shop.shows(operation=Operation.PRINTING, foreign=False))
        await shop.until(lambda: shop.print_is(job, PrintState.FINISHED))
        assert len(await shop.prints(job)) == 1


@pytest.mark.long
async def test_a_print_that_ended_while_nobody_looked_waits_for_a_person(
    prusalink, tmp_path, quick, monkeypatch
):
    monkeypatch.setattr(adoption, "DECIDE_WITHIN_S", 5.0)
    async with open_shop(prusalink, tmp_path) as shop:
        job = await shop.begin(gcode(seconds=6))
    await trio.to_thread.run_sync(prusalink.wait_for_state, "IDLE", 30)
    async with shop_at(tmp_path) as shop:
        await shop.until(lambda: shop.print_is(job, PrintState.UNKNOWN))
        assert await shop.job_is(job, JobState.NEEDS_REVIEW)
        assert await shop.shows(operation=Operation.IDLE, plate=Plate.UNKNOWN)
        assert "look at the plate" in (await shop.prints(job))[0].reason


@pytest.mark.long
async def test_a_print_is_seen_from_beginning_to_end_at_the_true_pace(tmp_path):
    base = folder()
    with PrusaLink(program(), base, print_end_s=11) as prusalink:
        async with open_shop(prusalink, tmp_path) as shop:
            job = await shop.begin(gcode(seconds=15))
            await shop.until(lambda: shop.print_is(job, PrintState.FINISHED))
            await shop.until(lambda: shop.shows(operation=Operation.IDLE, plate=Plate.OCCUPIED))
    shutil.rmtree(base)
