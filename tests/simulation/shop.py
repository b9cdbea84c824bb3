"""A shop of machines in memory under the whole real tree but the web, on the virtual clock."""

from __future__ import annotations

import random
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trio

from farm.actors import Address
from farm.app import Farm, Seams
from farm.config import Settings
from farm.data_folder import DataFolder
from farm.domain.event import Fact
from farm.domain.file import FileKind, StoredFile
from farm.domain.job import Job, Print, PrintState
from farm.domain.printer import Address as PrinterAddress
from farm.domain.printer import Plate, Printer
from farm.printers.messages import AddPrinter
from farm.queue.messages import AddJob, ClearPlate
from farm.store import events, files, jobs, printers, prints
from farm.store.database import Database
from tests.simulation.machine import Faults, Machine, MachineDriver

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
CONTENT = "c0ffee" * 10


class StartedTooEarly(AssertionError):
    """A start command without its committed row, or onto a plate that is not clear."""


@dataclass
class Shop:
    """What a test holds in its hands. Everything in it is real, but for the machines."""

    farm: Farm
    chance: random.Random
    machines: dict[str, Machine]
    drivers: dict[str, MachineDriver]

    def driver_of(self, name: str) -> MachineDriver:
        """The driver that the printer's actor uses at the moment."""
        return self.drivers[name]

    @property
    def queue(self) -> Address:
        return self.farm.address("queue")

    @property
    def database(self) -> Database:
        return self.farm.database

    async def add_printer(self, name: str, faults: Faults | None = None) -> None:
        self.machines[name] = Machine(
            random.Random(self.chance.random()),
            faults or Faults(),
            on_start=lambda f: self._check_start(name, f),
        )
        printer = Printer(
            name, name.upper(), PrinterAddress("octoprint", f"http://{name}.test"), max_retries=1
        )
        await self.farm.address("printers").ask(AddPrinter(printer))

    def _check_start(self, printer: str, remote_name: str) -> None:
        """The invariant before every start command, looked up in the database at that very moment."""
        row = self.look(prints.active_on, printer)
        if row is None or row.remote_name != remote_name or row.state is not PrintState.STARTING:
            raise StartedTooEarly(f"{printer} starts {remote_name} while the row says {row}")
        plate = self.look(printers.plate, printer)
        if plate is None or plate.plate is not Plate.CLEAR:
            raise StartedTooEarly(f"{printer} starts {remote_name} on a plate that is {plate}")

    def look(self, op, *args):
        """Read at once, without letting anybody else run."""
        return self.database._writer.look(lambda db: op(db, *args))

    async def add_file(self, name: str = "cube.gcode") -> str:
        file = StoredFile(f"file-{name}", name, FileKind.GCODE, 50_000, CONTENT, "test", NOON)
        stored, _ = await self.database.write(files.add, file)
        return stored.id

    async def add_job(self, copies: int = 1, **wishes: object) -> Job:
        return await self.queue.ask(AddJob(await self.add_file(), copies=copies, **wishes))

    async def clear(self, *names: str) -> None:
        for name in names:
            await self.queue.ask(ClearPlate(name))

    async def job(self, job: str) -> Job:
        return await self.database.read(jobs.existing, job)

    async def prints(self, job: str) -> list[Print]:
        return await self.database.read(prints.of_job, job)

    async def plate(self, name: str) -> Plate:
        row = await self.database.read(printers.plate, name)
        assert row is not None
        return row.plate

    async def facts(self) -> list[Fact]:
        return await self.database.read(events.since, 0, 1_000_000)


@asynccontextmanager
async def open_shop(seed: int = 0, *, look_every_s: float = 1.0) -> AsyncIterator[Shop]:
    """A shop without printers: the whole tree but the web. Leaving it stops everybody in order."""
    chance = random.Random(seed)
    begun = trio.current_time()

    def clock() -> datetime:
        return NOON + timedelta(seconds=trio.current_time() - begun)

    machines: dict[str, Machine] = {}
    drivers: dict[str, MachineDriver] = {}

    def driver_for(printer: Printer) -> MachineDriver:
        drivers[printer.id] = MachineDriver(machines[printer.id], look_every_s)
        return drivers[printer.id]

    seams = Seams(
        clock=clock,
        chance=chance,
        driver=driver_for,
        inline=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        farm = Farm(Settings(), DataFolder(Path(folder)), seams)
        async with farm.running():
            yield Shop(farm, chance, machines, drivers)
