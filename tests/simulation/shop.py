"""A shop of machines in memory under the whole real tree but the web, on the virtual clock.

The shop itself watches what must hold at every moment, and says so when it is closed.
"""

from __future__ import annotations

import hashlib
import random
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trio

from farm.actors import Address
from farm.app import Farm, Seams
from farm.config import Settings
from farm.data_folder import DataFolder
from farm.domain.analysis import ANALYSIS_VERSION, GcodeAnalysis
from farm.domain.command import NAMES, ClearEmergency, Command, MaintenanceOff, MaintenanceOn
from farm.domain.event import Fact
from farm.domain.file import FileAnalysis, FileState, StoredFile, kind_of
from farm.domain.job import Job, Print
from farm.domain.printer import Address as PrinterAddress
from farm.domain.printer import Plate, Printer, PrinterStatus, Profile
from farm.domain.user import SYSTEM, Principal
from farm.live.messages import ReportStatuses
from farm.printers.messages import AddPrinter, EmergencyStop, RunCommand
from farm.queue.messages import AddJob, ClearPlate
from farm.schedule.planner import Planner
from farm.store import events, file_analyses, files, jobs, printers, prints
from farm.store.database import Database
from tests.simulation.machine import PRINT_S, Faults, Machine, MachineDriver
from tests.simulation.promises import Promises

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
UNSAID = Profile()


class ShopClocks:
    """The clocks of the shop PC. set_by: how far people have set the time of day. slept_s: in all."""

    def __init__(self, begins_at: datetime) -> None:
        self.set_by = timedelta()
        self.slept_s = 0.0
        self._begins_at = begins_at
        self._begun = trio.current_time()

    def wall(self) -> datetime:
        """The time of day."""
        return self._begins_at + timedelta(seconds=self.lived() - self._begun) + self.set_by

    def lived(self) -> float:
        """Seconds that passed, with those in which the clock of all deadlines slept."""
        return trio.current_time() + self.slept_s

    def set_to(self, moment: datetime) -> None:
        """Somebody sets the time of day."""
        self.set_by += moment - self.wall()


@dataclass
class Shop:
    """What a test holds in its hands. Everything in it is real, but for the machines.

    later: where machines do what they were told some time ago. begun: when it was NOON, on trio's clock.
    clocks: those of the shop PC.
    """

    farm: Farm
    chance: random.Random
    machines: dict[str, Machine]
    drivers: dict[str, MachineDriver]
    promises: Promises
    later: trio.Nursery
    begun: float
    clocks: ShopClocks

    def driver_of(self, name: str) -> MachineDriver:
        """The driver that the printer's actor uses at the moment."""
        return self.drivers[name]

    @property
    def queue(self) -> Address:
        return self.farm.address("queue")

    @property
    def database(self) -> Database:
        return self.farm.database

    async def add_printer(
        self,
        name: str,
        faults: Faults | None = None,
        print_s: float = PRINT_S,
        kind: str = "octoprint",
        profile: Profile = UNSAID,
    ) -> None:
        if name not in self.machines:
            self.machines[name] = Machine(
                random.Random(self.chance.random()),
                faults or Faults(),
                print_s,
                on_start=lambda remote_name: self.promises.check_start(name, remote_name),
                on_delete=lambda remote_name: self.promises.check_delete(name, remote_name),
                sent=lambda command: self.promises.check_sent(name, command),
                later=self.later.start_soon,
            )
        address = PrinterAddress(kind, f"http://{name}.test")
        printer = Printer(name, name.upper(), address, max_retries=1, profile=profile)
        await self.farm.address("printers").ask(AddPrinter(printer))

    def sleep(self, seconds: float) -> None:
        """The shop PC sleeps, as under Linux: the machines go on meanwhile, and no deadline comes closer."""
        self.clocks.slept_s += seconds
        for machine in self.machines.values():
            machine.began_at -= seconds
            machine.ends_at -= seconds

    async def add_file(self, name: str = "cube.gcode", size: int = 50_000) -> str:
        content = hashlib.sha256(name.encode()).hexdigest()
        file = StoredFile(f"file-{name}", name, kind_of(name), size, content, "test", NOON)
        stored, _ = await self.database.write(files.add, file)
        return stored.id

    async def add_read_file(self, name: str, found: GcodeAnalysis, size: int = 50_000) -> str:
        """A file of which this was found out."""
        content = hashlib.sha256(name.encode()).hexdigest()
        being_read = FileAnalysis(FileState.PROCESSING)
        file = StoredFile(f"file-{name}", name, kind_of(name), size, content, "test", NOON, being_read)
        stored, _ = await self.database.write(files.add, file)
        ready = FileAnalysis(FileState.READY, None, found, ANALYSIS_VERSION)
        await self.database.write(file_analyses.note_analysis, stored, ready, NOON)
        return stored.id

    async def add_job(self, file: str = "", copies: int = 1, **wishes: object) -> Job:
        return await self.queue.ask(AddJob(file or await self.add_file(), copies=copies, **wishes))

    def restarts(self, actor: str) -> int:
        """How often an actor was started again."""
        return self.farm.runtime.children[actor].restarts

    async def clear(self, *names: str, good: int | None = None) -> None:
        """Take off what lies on these plates, and say so."""
        for name in names:
            machine = self.machines[name]
            machine.dirty = machine.dirty and machine.running is not None
            await self.queue.ask(ClearPlate(name, good))

    async def tell(self, name: str, command: Command, by: Principal = SYSTEM) -> None:
        """Tell a printer to do something."""
        printer = self.farm.address(f"printer:{name}")
        if isinstance(command, ClearEmergency):
            self.promises.emergencies.discard(name)
        if isinstance(command, (ClearEmergency, MaintenanceOff)):
            self.promises.maintenance.discard(name)
        await printer.ask(RunCommand(f"c-{NAMES[type(command)]}", command), by=by)
        if isinstance(command, MaintenanceOn):
            self.promises.maintenance.add(name)

    async def stop(self, name: str) -> None:
        """Stop a printer in an emergency."""
        await self.farm.address(f"printer:{name}").ask(EmergencyStop())

    async def status(self, name: str) -> PrinterStatus:
        """The printer as people see it."""
        return (await self.statuses())[name]

    async def statuses(self) -> Mapping[str, PrinterStatus]:
        """All printers that the farm has, as people see them."""
        return await self.farm.address("events").ask(ReportStatuses())

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
async def open_shop(
    seed: int = 0,
    *,
    look_every_s: float = 1.0,
    settings: Settings | None = None,
    planner: Planner | None = None,
    begins_at: datetime = NOON,
) -> AsyncIterator[Shop]:
    """A shop without printers: the whole tree but the web. Leaving it stops everybody in order.

    planner: makes its plans; None leaves it to the list. begins_at: the time of day.

    Raises PromiseBroken when something happened in it that must never happen.
    """
    chance = random.Random(seed)
    begun, clocks = trio.current_time(), ShopClocks(begins_at)
    machines: dict[str, Machine] = {}
    drivers: dict[str, MachineDriver] = {}

    def driver_for(printer: Printer) -> MachineDriver:
        drivers[printer.id] = MachineDriver(machines[printer.id], look_every_s)
        return drivers[printer.id]

    seams = Seams(
        clock=clocks.wall,
        lived=clocks.lived,
        chance=chance,
        driver=driver_for,
        planner=planner,
        inline=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        farm = Farm(settings or Settings(), DataFolder(Path(folder)), seams)
        promises = Promises(farm.database, machines)
        async with trio.open_nursery() as later:
            async with farm.running():
                yield Shop(farm, chance, machines, drivers, promises, later, begun, clocks)
                promises.check()
            later.cancel_scope.cancel()
