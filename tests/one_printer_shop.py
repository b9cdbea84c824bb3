"""A whole farm in this process around one print host, as the tests on real ones have it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import trio

from farm.app import Farm
from farm.config import Files, Queue, Settings
from farm.data_folder import DataFolder
from farm.domain.command import Command
from farm.domain.file import FileKind, StoredFile
from farm.domain.job import JobState, Print, PrintState
from farm.domain.printer import Address, Operation, Printer, PrinterStatus, Profile
from farm.live.messages import ReportStatuses
from farm.printers.messages import AddPrinter, RunCommand
from farm.queue.messages import AddJob, ClearPlate
from farm.store import files, jobs, prints

UNSAID = Profile()
SOON_S = 100.0  # a PrusaLink that has missed an "ok" stands still for 25 s, and may miss the next


@dataclass
class Shop:
    """A farm with one printer, `mk4`."""

    farm: Farm

    async def add(self, address: Address, profile: Profile = UNSAID) -> None:
        """Set the printer up, and wait until it is seen idle."""
        printer = Printer("mk4", "MK4", address, profile=profile, max_retries=1)
        await self.farm.address("printers").ask(AddPrinter(printer))
        await self.until(lambda: self.shows(operation=Operation.IDLE))

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

    async def until(self, look: Callable[[], Any], within_s: float = SOON_S) -> None:
        deadline = trio.current_time() + within_s
        while not await look():
            assert trio.current_time() < deadline, f"it did not come about; shown: {await self.status()}"
            await trio.sleep(0.1)

    async def host(self, work: Callable[..., object], *args: object) -> None:
        await trio.to_thread.run_sync(work, *args)


@asynccontextmanager
async def shop_at(folder: Path) -> AsyncIterator[Shop]:
    """The farm of this folder, with whatever it knows."""
    farm = Farm(Settings(files=Files(min_free_mb=0), queue=Queue(plate_undo_s=0.2)), DataFolder(folder))
    async with farm.running():
        yield Shop(farm)
