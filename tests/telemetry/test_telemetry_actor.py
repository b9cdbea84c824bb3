"""The data processor with a real database on the virtual clock."""

from datetime import UTC, datetime, timedelta

import trio

from farm.actors import ChildSpec, Supervisor, WhenFull
from farm.actors.supervisor import Runtime
from farm.domain.printer import Operation, PrinterStatus, Temperature
from farm.drivers.base import Reading
from farm.store import readings
from farm.store.connection import TELEMETRY
from farm.store.database import Database
from farm.telemetry.actor import Telemetry, TelemetryParts
from farm.telemetry.messages import PrinterObserved

START = datetime(2026, 1, 1, tzinfo=UTC)


async def test_readings_are_written_in_batches_and_old_ones_forgotten(autojump_clock):
    begun = trio.current_time()

    def clock() -> datetime:
        return START + timedelta(seconds=trio.current_time() - begun)

    database = Database(None, TELEMETRY, inline=True)
    telemetry = Telemetry(TelemetryParts(database, clock, retention=timedelta(minutes=15)))
    async with database.running(), Supervisor(Runtime()).running() as supervisor:
        address = await supervisor.start(
            ChildSpec(name="telemetry", run=telemetry.run, when_full=WhenFull.DROP_OLDEST)
        )
        for second in range(60):
            heaters = {"tool0": Temperature(200.0 + second, 210.0), "bed": Temperature(None, 60.0)}
            reading = Reading(True, Operation.IDLE, temperatures=heaters)
            address.tell_nowait(PrinterObserved("mk4", clock().timestamp(), second, reading, PrinterStatus()))
            await trio.sleep(1)
        await trio.sleep(6)

        async def curve(heater: str) -> list[float | None]:
            points = await database.read(readings.between, "mk4", heater, 0, 1e12, 100)
            return [point.actual for point in points]

        assert await curve("tool0") == [200.0 + second for second in range(60)]
        assert await curve("bed") == [None] * 60

        await trio.sleep(1600)
        assert await curve("tool0") == []
