"""The data processor with a real database on the virtual clock."""

from datetime import UTC, datetime, timedelta

import trio

from farm.actors import Address, ChildSpec, Mailbox, Supervisor, WhenFull
from farm.actors.supervisor import Runtime
from farm.domain.metrics import Channel, Group
from farm.domain.printer import Operation, PrinterStatus, Temperature
from farm.drivers.base import Reading
from farm.store import readings
from farm.store.connection import TELEMETRY
from farm.store.database import Database
from farm.telemetry.actor import Telemetry, TelemetryParts
from farm.telemetry.messages import PrinterForgotten, PrinterObserved, PrintersHeard

START = datetime(2026, 1, 1, tzinfo=UTC)


async def test_readings_are_written_in_batches_and_old_ones_forgotten(autojump_clock):
    begun = trio.current_time()

    def clock() -> datetime:
        return START + timedelta(seconds=trio.current_time() - begun)

    database = Database(None, TELEMETRY, inline=True)
    events = Mailbox("events", size=8)
    parts = TelemetryParts(database, clock, lambda: Address(events), retention=timedelta(minutes=15))
    telemetry = Telemetry(parts)
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


async def test_only_what_somebody_listens_to_is_told_and_a_crash_forgets_no_listener(autojump_clock):
    database = Database(None, TELEMETRY, inline=True)
    events = Mailbox("events", size=8)
    telemetry = Telemetry(TelemetryParts(database, lambda: START, lambda: Address(events)))

    def told():
        return [(each.message.printer, each.message.metrics) for each in events.take_waiting(100)]

    async with database.running(), Supervisor(Runtime()).running() as supervisor:
        address = await supervisor.start(
            ChildSpec(name="telemetry", run=telemetry.run, when_full=WhenFull.DROP_OLDEST)
        )

        async def look(seconds: int) -> None:
            for _ in range(seconds):
                for printer, heat in (("mk4", 210.0), ("other", 20.0)):
                    reading = Reading(True, Operation.IDLE, temperatures={"tool0": Temperature(heat, 0.0)})
                    now = trio.current_time()
                    address.tell_nowait(PrinterObserved(printer, now, now, reading, PrinterStatus()))
                await trio.sleep(1)

        await look(20)
        assert told() == []
        assert telemetry.numbers().channels == 2

        address.tell_nowait(PrintersHeard(frozenset({"mk4", "nobody"})))
        await look(20)
        (printer, metrics) = told()[-1]
        assert printer == "mk4"
        assert metrics.channels[Channel(Group.TEMPERATURE, "tool0")].mean == 210.0

        address.tell_nowait("nonsense")  # fells it
        await look(30)
        assert told()[-1][0] == "mk4"
        assert telemetry.numbers().samples < 60  # begun anew

        address.tell_nowait(PrinterForgotten("mk4"))
        await trio.sleep(6)
        assert telemetry.numbers().printers == 1
