"""The farm's queue and printers on a real OctoPrint: copies, commands, and the README's table of faults."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trio

from farm.domain.command import Cancel, ClearAttention, Pause, Resume
from farm.domain.job import JobState, PrintState
from farm.domain.printer import Address, Operation, Plate
from farm.printers import adoption
from farm.printers.tidy import REST_S
from farm.store.orders import order_of
from tests.one_printer_shop import Shop, shop_at
from tests.peers.octoprint import OctoPrint, slow_gcode

CHECKOUT = Path(__file__).resolve().parents[1]
CHIP = Path(__file__).parent / "data" / "gcode" / "chip6_fast.gcode"
HEAT_UP = b"G90\nM109 S200\nG1 X10 F3000\n"

pytestmark = pytest.mark.octoprint


@asynccontextmanager
async def open_shop(octoprint: OctoPrint, folder: Path) -> AsyncIterator[Shop]:
    """A new farm on an idle OctoPrint."""
    await trio.to_thread.run_sync(octoprint.make_idle)
    async with shop_at(folder) as shop:
        await shop.add(Address("octoprint", octoprint.url, octoprint.api_key))
        yield shop
    await trio.to_thread.run_sync(octoprint.make_idle)


async def files_on(octoprint: OctoPrint) -> set[str]:
    """The names of all its files."""
    answer = await trio.to_thread.run_sync(octoprint.request, "GET", "/api/files")
    return {file["name"] for file in answer.json()["files"]}


@pytest.fixture
def brisk(monkeypatch):
    """Nobody has to wait a whole minute for a history that never comes."""
    monkeypatch.setattr(adoption, "DECIDE_WITHIN_S", 5.0)


async def test_the_second_copy_waits_for_the_plate_and_then_prints(octoprint, tmp_path, brisk):
    async with open_shop(octoprint, tmp_path) as shop:
        job = await shop.queue(CHIP.read_bytes(), copies=2)
        await shop.clear()
        await shop.until(lambda: shop.print_is(job, PrintState.FINISHED))
        await shop.until(lambda: shop.shows(plate=Plate.OCCUPIED))
        await trio.sleep(3)
        assert len(await shop.prints(job)) == 1
        await shop.clear()
        await shop.until(lambda: shop.job_is(job, JobState.DONE))
        assert [attempt.state for attempt in await shop.prints(job)] == [PrintState.FINISHED] * 2


async def test_the_second_copy_is_copied_on_the_printer_and_nothing_is_left_there(octoprint, tmp_path, brisk):
    async with open_shop(octoprint, tmp_path) as shop:
        theirs = await files_on(octoprint)
        job = await shop.queue(CHIP.read_bytes() + b"; another file", copies=2)
        await shop.clear()
        await shop.until(lambda: shop.print_is(job, PrintState.FINISHED))
        await trio.sleep(REST_S + 2)
        (first,) = await shop.prints(job)
        assert await files_on(octoprint) - theirs == {first.remote_name}
        await shop.clear()
        await shop.until(lambda: shop.job_is(job, JobState.DONE))
        order = await shop.farm.database.read(order_of, (await shop.prints(job))[-1].id)
        assert order.mark == "1/0"  # what a copy remembers of its original; an upload has nothing to remember

        async def tidy() -> bool:
            return await files_on(octoprint) == theirs

        await shop.until(tidy)


async def test_a_print_is_paused_resumed_and_cancelled(octoprint, tmp_path, brisk):
    async with open_shop(octoprint, tmp_path) as shop:
        job = await shop.begin(slow_gcode(60))
        await shop.until(lambda: shop.shows(operation=Operation.PRINTING))
        await shop.tell(Pause())
        await shop.until(lambda: shop.print_is(job, PrintState.PAUSED))
        await shop.until(lambda: shop.shows(operation=Operation.PAUSED))
        await shop.tell(Resume())
        await shop.until(lambda: shop.print_is(job, PrintState.PRINTING))
        await shop.tell(Cancel())
        await shop.until(lambda: shop.print_is(job, PrintState.CANCELLED))
        assert await shop.job_is(job, JobState.HELD)
        assert await shop.shows(plate=Plate.OCCUPIED)


async def test_a_print_that_ended_while_the_farm_was_away_is_told_from_one_started_after_it(
    octoprint, tmp_path, brisk
):
    async with open_shop(octoprint, tmp_path) as shop:
        job = await shop.begin(slow_gcode(60))
        (attempt,) = await shop.prints(job)
    # As it was left, the print has been cancelled; now somebody starts its file at the machine.
    path, body = f"/api/files/local/{attempt.remote_name}", {"command": "select", "print": True}
    await trio.to_thread.run_sync(octoprint.request, "POST", path, body)
    async with shop_at(tmp_path) as shop:
        await shop.until(lambda: shop.print_is(job, PrintState.FAILED))
        await shop.until(lambda: shop.shows(operation=Operation.PRINTING, foreign_file=attempt.remote_name))
        assert "started at the machine" in (await shop.prints(job))[0].reason
        assert await shop.job_is(job, JobState.QUEUED)
        assert await shop.shows(plate=Plate.OCCUPIED)


@pytest.mark.long
async def test_a_print_is_cancelled_in_its_heat_up(octoprint, tmp_path, brisk):
    async with open_shop(octoprint, tmp_path) as shop:
        job = await shop.begin(HEAT_UP)
        await shop.tell(Cancel())
        await shop.until(lambda: shop.print_is(job, PrintState.CANCELLED))
        await shop.until(lambda: shop.shows(operation=Operation.IDLE))


@dataclass(frozen=True)
class Line:
    """One line of the README's table."""

    fault: str
    connection: str
    operation: str
    print: str
    plate: str
    words: str


def table() -> list[Line]:
    section = (CHECKOUT / "README.md").read_text("utf-8").split("### When something goes wrong")[1]
    rows = [row for row in section.split("\n#")[0].splitlines() if row.startswith("|")][2:]
    return [Line(*(cell.strip().strip("`") for cell in row.strip("|").split("|"))) for row in rows]


async def bring_about(shop: Shop, octoprint: OctoPrint, fault: str) -> None:
    injected = re.search(r"`(\w+)`", fault)
    if injected:
        await shop.host(octoprint.debug, injected[1])
    else:
        await shop.host(octoprint.stop)
        if "started again" in fault:
            await shop.host(octoprint.start)


def each_line() -> list[Any]:
    """The silent printer only shows after 20 s."""
    return [
        pytest.param(line, id=line.fault, marks=[pytest.mark.long] if "go_awol" in line.fault else [])
        for line in table()
    ]


@pytest.mark.parametrize("line", each_line())
async def test_each_fault_shows_what_the_readme_says(line, octoprint, tmp_path, brisk):
    async with open_shop(octoprint, tmp_path) as shop:
        job = await shop.begin(slow_gcode(120))
        await bring_about(shop, octoprint, line.fault)
        try:
            await shop.until(lambda: shop.print_is(job, PrintState(line.print)))
            await shop.until(
                lambda: shop.shows(connection=line.connection, operation=line.operation, plate=line.plate)
            )
            assert line.words in (await shop.status()).message
            await check_what_follows(shop, job, line)
        finally:
            await shop.host(octoprint.restart)


async def check_what_follows(shop: Shop, job: str, line: Line) -> None:
    """The sentences under the table."""
    if line.print == PrintState.UNKNOWN:
        assert await shop.job_is(job, JobState.NEEDS_REVIEW)
    if line.operation == Operation.ATTENTION and line.print == PrintState.FAILED:
        await trio.sleep(2)
        assert await shop.shows(operation=Operation.ATTENTION)
        await shop.tell(ClearAttention())
        await shop.until(lambda: shop.shows(operation=Operation.IDLE))


def test_the_table_is_read():
    assert len(table()) == 5
