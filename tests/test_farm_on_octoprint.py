"""The farm's queue and printers on a real OctoPrint: copies, commands, and the README's table of faults."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trio

from farm.app import Farm
from farm.config import Files, Queue, Settings
from farm.data_folder import DataFolder
from farm.domain.command import Cancel, ClearAttention, Command, Pause, Resume
from farm.domain.file import FileKind, StoredFile
from farm.domain.job import JobState, Print, PrintState
from farm.domain.printer import Address, Operation, Plate, Printer, PrinterStatus
from farm.live.messages import ReportStatuses
from farm.printers import adoption
from farm.printers.messages import AddPrinter, RunCommand
from farm.printers.tidy import REST_S
from farm.queue.messages import AddJob, ClearPlate
from farm.store import files, jobs, prints
from farm.store.orders import order_of
from tests.peers.octoprint import OctoPrint, slow_gcode

CHECKOUT = Path(__file__).resolve().parents[1]
CHIP = Path(__file__).parent / "data" / "chip6_fast.gcode"
HEAT_UP = b"G90\nM109 S200\nG1 X10 F3000\n"

pytestmark = pytest.mark.octoprint


@dataclass
class Shop:
    """A whole farm around one real OctoPrint, in this process."""

    farm: Farm
    octoprint: OctoPrint

    async def status(self) -> PrinterStatus:
        return (await self.farm.address("events").ask(ReportStatuses())).get("mk4", PrinterStatus())

    async def begin(self, gcode: bytes, copies: int = 1) -> str:
        """Queue a file on the clear plate and wait until its print is seen running; the job's id."""
        job = await self.queue(gcode, copies)
        await self.clear()
        await self.until(lambda: self.print_is(job, PrintState.PRINTING))
        return job

    async def queue(self, gcode: bytes, copies: int = 1) -> str:
        async with self.farm.storage.upload(limit=10_000_000) as upload:
            await upload.write(gcode)
            content = await upload.keep()
        file = StoredFile(
            content.sha256[:12],
            "part.gcode",
            FileKind.GCODE,
            content.size,
            content.sha256,
            "test",
            datetime.now(UTC),
        )
        stored, _ = await self.farm.database.write(files.add, file)
        return (await self.farm.address("queue").ask(AddJob(stored.id, copies=copies))).id

    async def clear(self) -> None:
        await self.farm.address("queue").ask(ClearPlate("mk4"))

    async def tell(self, command: Command) -> None:
        await self.farm.address("printer:mk4").ask(RunCommand("c", command))

    async def prints(self, job: str) -> list[Print]:
        return await self.farm.database.read(prints.of_job, job)

    async def print_is(self, job: str, *states: PrintState) -> bool:
        found = await self.prints(job)
        return bool(found) and found[-1].state in states

    async def job_is(self, job: str, state: JobState) -> bool:
        return (await self.farm.database.read(jobs.existing, job)).state is state

    async def shows(self, **wanted: Any) -> bool:
        status = await self.status()
        return all(getattr(status, name) == value for name, value in wanted.items())

    async def until(self, look: Callable[[], Any], within_s: float = 45.0) -> None:
        deadline = trio.current_time() + within_s
        while not await look():
            assert trio.current_time() < deadline, f"it did not come about; shown: {await self.status()}"
            await trio.sleep(0.1)

    async def files(self) -> set[str]:
        """The names of all files on the OctoPrint."""
        answer = await trio.to_thread.run_sync(self.octoprint.request, "GET", "/api/files")
        return {file["name"] for file in answer.json()["files"]}

    async def host(self, work: Callable[..., object], *args: object) -> None:
        await trio.to_thread.run_sync(work, *args)


@asynccontextmanager
async def open_shop(octoprint: OctoPrint, folder: Path) -> AsyncIterator[Shop]:
    """A new farm on an idle OctoPrint."""
    await trio.to_thread.run_sync(octoprint.make_idle)
    async with farm_at(octoprint, folder) as shop:
        address = Address("octoprint", octoprint.url, octoprint.api_key)
        await shop.farm.address("printers").ask(AddPrinter(Printer("mk4", "MK4", address, max_retries=1)))
        await shop.until(lambda: shop.shows(operation=Operation.IDLE))
        yield shop
    await trio.to_thread.run_sync(octoprint.make_idle)


@asynccontextmanager
async def farm_at(octoprint: OctoPrint, folder: Path) -> AsyncIterator[Shop]:
    """The farm of this folder, with whatever it knows."""
    farm = Farm(Settings(files=Files(min_free_mb=0), queue=Queue(plate_undo_s=0.2)), DataFolder(folder))
    async with farm.running():
        yield Shop(farm, octoprint)


@pytest.fixture
def brisk(monkeypatch):
    """Nobody has to wait a whole minute for a history that never comes."""
    monkeypatch.setattr(adoption, "DECIDE_WITHIN_S", 5.0)


async def test_the_second_copy_waits_for_the_plate_and_then_prints(octoprint, tmp_path, brisk):
    async with open_shop(octoprint, tmp_path) as shop:
        job = await shop.queue(CHIP.read_bytes(), copies=2)
        await shop.clear()
        await shop.until(lambda: shop.print_is(job, PrintState.FINISHED))
        assert await shop.shows(plate=Plate.OCCUPIED)
        await trio.sleep(3)
        assert len(await shop.prints(job)) == 1
        await shop.clear()
        await shop.until(lambda: shop.job_is(job, JobState.DONE))
        assert [attempt.state for attempt in await shop.prints(job)] == [PrintState.FINISHED] * 2


async def test_the_second_copy_is_copied_on_the_printer_and_nothing_is_left_there(octoprint, tmp_path, brisk):
    async with open_shop(octoprint, tmp_path) as shop:
        theirs = await shop.files()
        job = await shop.queue(CHIP.read_bytes() + b"; another file", copies=2)
        await shop.clear()
        await shop.until(lambda: shop.print_is(job, PrintState.FINISHED))
        await trio.sleep(REST_S + 2)
        (first,) = await shop.prints(job)
        assert await shop.files() - theirs == {first.remote_name}
        await shop.clear()
        await shop.until(lambda: shop.job_is(job, JobState.DONE))
        order = await shop.farm.database.read(order_of, (await shop.prints(job))[-1].id)
        assert order.mark == "1/0"  # what a copy remembers of its original; an upload has nothing to remember

        async def tidy() -> bool:
            return await shop.files() == theirs

        await shop.until(tidy)


async def test_a_print_is_paused_resumed_and_cancelled(octoprint, tmp_path, brisk):
    async with open_shop(octoprint, tmp_path) as shop:
        job = await shop.begin(slow_gcode(60))
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
    async with farm_at(octoprint, tmp_path) as shop:
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


async def bring_about(shop: Shop, fault: str) -> None:
    injected = re.search(r"`(\w+)`", fault)
    if injected:
        await shop.host(shop.octoprint.debug, injected[1])
    else:
        await shop.host(shop.octoprint.stop)
        if "started again" in fault:
            await shop.host(shop.octoprint.start)


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
        await bring_about(shop, line.fault)
        try:
            await shop.until(lambda: shop.print_is(job, PrintState(line.print)))
            await shop.until(
                lambda: shop.shows(connection=line.connection, operation=line.operation, plate=line.plate)
            )
            assert line.words in (await shop.status()).message
            await check_what_follows(shop, job, line)
        finally:
            await shop.host(shop.octoprint.restart)


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
