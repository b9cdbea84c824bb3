"""A shop in which most printers die in the middle of their prints: the others notice nothing, nothing grows.

The printers are simulated in a process of their own and driven by the real drivers. How soon the living are
heard is measured by `scripts/bench.py fleet`; here is what must hold however slow the machine is.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
import structlog
import trio

from farm.app import Farm
from farm.config import Files, Queue, Settings
from farm.data_folder import DataFolder
from farm.domain.file import FileKind, StoredFile
from farm.domain.job import PrintState
from farm.domain.printer import BUSY, Breaker, Connection, Plate, Printer, PrinterStatus
from farm.errors import FarmError
from farm.live.messages import ReportStatuses
from farm.printers.messages import AddPrinter
from farm.queue.messages import AddJob, ClearPlate
from farm.simulator.process import FleetProcess, fleet_process
from farm.store import files
from tests.simulator.fleet import Fleet

CHIP = Path(__file__).parent / "data" / "gcode" / "chip6_fast.gcode"
SCALE = float(os.environ.get("FARM_TEST_SCALE", "0.1"))
PRINTERS = max(10, round(100 * SCALE))
DEAD = PRINTERS * 6 // 10
SPEED = 4.0  # a print takes about 3 s
WATCHED_S = 40.0 if SCALE >= 1 else 4.0
PRINTS = 3 if SCALE >= 1 else 1  # that every living printer finishes beside the dead
SOON_S, LATE_S = 60.0, 240.0

DEATHS: tuple[dict[str, Any], ...] = (
    {"manner": "silent"},
    {"manner": "half_open"},
    {"manner": "refuse"},
    {"manner": "500"},
    {"manner": "garbage"},
    {"manner": "drop"},
    {"slow_ms": 60_000},
)
KEEP_THEIR_SOCKET = ("500", "garbage", "drop", None)  # and push on, until it is cut


@dataclass
class Shop:
    """A whole farm in this process. dead: printers that will die; living: the others."""

    farm: Farm
    fleet: FleetProcess
    switches: Fleet
    shown: dict[str, list[PrinterStatus]] = field(default_factory=dict)

    @property
    def dead(self) -> list[str]:
        return list(self.fleet.printers)[:DEAD]

    @property
    def living(self) -> list[str]:
        return list(self.fleet.printers)[DEAD:]

    async def statuses(self) -> dict[str, PrinterStatus]:
        return dict(await self.farm.address("events").ask(ReportStatuses()))

    async def until(self, printers: list[str], wanted: Callable[[PrinterStatus], bool]) -> None:
        with trio.fail_after(SOON_S):
            while True:
                statuses = await self.statuses()
                if all(wanted(statuses.get(name, PrinterStatus())) for name in printers):
                    return
                await trio.sleep(0.1)

    async def finished(self) -> Counter[str]:
        """How many prints each printer has finished."""
        query = "SELECT printer FROM prints WHERE state = ?"
        rows = await self.farm.database.read(lambda db: db.execute(query, (PrintState.FINISHED,)).fetchall())
        return Counter(row["printer"] for row in rows)

    async def until_finished(self, printers: list[str], before: Counter[str], more: int) -> None:
        """Until each of these printers has finished so many prints more than `before`."""
        with trio.fail_after(LATE_S):
            while True:
                finished = await self.finished()
                if all(finished[name] >= before[name] + more for name in printers):
                    return
                await trio.sleep(0.5)

    async def note(self, seen: dict[str, list[PrinterStatus]]) -> None:
        """Notes twice a second, for ever, what is shown of each printer."""
        while True:
            for name, status in (await self.statuses()).items():
                seen[name].append(status)
            await trio.sleep(0.5)

    async def add_all(self) -> None:
        for name, address in self.fleet.printers.items():
            await self.farm.address("printers").ask(AddPrinter(Printer(name, name, address)))

    async def add_work(self) -> None:
        async with self.farm.storage.upload(limit=10_000_000) as upload:
            await upload.write(CHIP.read_bytes())
            content = await upload.keep()
        at = datetime.now(UTC)
        file = StoredFile("chip", "chip.gcode", FileKind.GCODE, content.size, content.sha256, "test", at)
        await self.farm.database.write(files.add, file)
        await self.farm.address("queue").ask(AddJob("chip", copies=1000))

    async def clear_plates(self) -> None:
        """People walk through the shop for ever."""
        while True:
            async with trio.open_nursery() as nursery:
                for name, status in (await self.statuses()).items():
                    if status.plate is not Plate.CLEAR and status.operation not in BUSY:
                        nursery.start_soon(self._clear_plate, name)
            await trio.sleep(0.25)

    async def _clear_plate(self, name: str) -> None:
        with suppress(FarmError):  # a print has just begun, or is still under way at a dead printer
            await self.farm.address("queue").ask(ClearPlate(name))

    async def kill(self, name: str, death: dict[str, Any]) -> None:
        await self.switches.ask("PATCH", f"/printers/{name}", death)
        if death.get("manner") in KEEP_THEIR_SOCKET:
            await self.switches.ask("POST", f"/printers/{name}/do", {"what": "restart", "down_s": 0})

    async def revive(self, name: str) -> None:
        await self.switches.ask("PATCH", f"/printers/{name}", {"manner": "well", "slow_ms": 0})


@asynccontextmanager
async def open_shop(folder: Path) -> AsyncIterator[Shop]:
    settings = Settings(files=Files(min_free_mb=0), queue=Queue(plate_undo_s=0))
    async with fleet_process(PRINTERS, speed=SPEED) as fleet:
        switches = Fleet(fleet.control)
        try:
            async with Farm(settings, DataFolder(folder)).running() as farm:
                yield Shop(farm, fleet, switches)
        finally:
            await switches.aclose()


@dataclass(frozen=True)
class Size:
    """What the farm held at its most within some seconds. stuck: messages that no actor got down to."""

    tasks: int
    descriptors: int
    threads: int
    stuck: int

    @classmethod
    async def within(cls, seconds: float, farm: Farm) -> Size:
        process = psutil.Process()
        count_descriptors = process.num_fds if hasattr(process, "num_fds") else process.num_handles
        tasks = descriptors = threads = 0
        least: dict[str, int] = {}
        for _ in range(round(10 * seconds)):
            tasks = max(tasks, trio.lowlevel.current_statistics().tasks_living)
            descriptors = max(descriptors, count_descriptors())
            threads = max(threads, process.num_threads())
            for report in farm.runtime.reports():
                least[report.name] = min(report.depth, least.get(report.name, report.depth))
            await trio.sleep(0.1)
        return cls(tasks, descriptors, threads, max(least.values()))


@pytest.mark.timeout(600)
async def test_the_living_print_on_beside_the_dead_and_nothing_grows(tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as logs:
        async with open_shop(tmp_path) as shop, trio.open_nursery() as nursery:
            await shop.add_all()
            await shop.until([*shop.fleet.printers], lambda status: status.connection is Connection.ONLINE)
            await shop.add_work()
            nursery.start_soon(shop.clear_plates)
            await shop.until_finished([*shop.fleet.printers], Counter(), 1)

            for number, name in enumerate(shop.dead):
                await shop.kill(name, DEATHS[number % len(DEATHS)])
            await shop.until(shop.dead, lambda status: status.connection is Connection.OFFLINE)
            # From here on, nothing more may come.
            before, done = await Size.within(WATCHED_S / 4, shop.farm), await shop.finished()
            seen: dict[str, list[PrinterStatus]] = {name: [] for name in shop.fleet.printers}
            nursery.start_soon(shop.note, seen)
            await trio.sleep(WATCHED_S)
            await shop.until_finished(shop.living, done, PRINTS)
            after = await Size.within(WATCHED_S / 4, shop.farm)

            statuses = await shop.statuses()
            for name in shop.dead:
                assert statuses[name].connection is Connection.OFFLINE
                assert statuses[name].breaker is not Breaker.CLOSED
                assert len(statuses[name].message.split()) >= 3, f"no sentence: {statuses[name].message!r}"
            for name in shop.living:
                assert {status.connection for status in seen[name]} == {Connection.ONLINE}
                assert len({repr(status.temperatures) for status in seen[name]}) >= WATCHED_S / 4
            assert after.tasks <= before.tasks * 1.1 + 5
            assert after.descriptors <= before.descriptors * 1.1 + 5
            assert after.threads <= before.threads + 5
            assert after.stuck == 0  # whatever waits in a mailbox is taken out soon

            for name in shop.dead:
                await shop.revive(name)
            await shop.until(shop.dead, lambda status: status.connection is Connection.ONLINE)
            reports = shop.farm.runtime.reports()
            assert {report.name: report.restarts for report in reports if report.restarts} == {}
            assert shop.farm.runtime.dead_letters.total == 0
            nursery.cancel_scope.cancel()

    told = Counter((entry["event"], entry.get("printer")) for entry in logs)
    assert {told["printer offline", name] for name in shop.dead} == {1}
    assert {told["printer offline", name] for name in shop.living} == {0}
