"""The data processor with a real database on the virtual clock."""

from datetime import UTC, datetime

import trio

from farm.actors import Address, ChildSpec, Mailbox, Supervisor, WhenFull
from farm.actors.supervisor import Runtime
from farm.domain.metrics import Channel, Group
from farm.domain.printer import Operation, PrinterStatus, Temperature
from farm.drivers.base import Reading
from farm.store.connection import TELEMETRY
from farm.store.database import Database
from farm.telemetry.actor import Telemetry, TelemetryParts
from farm.telemetry.messages import PrinterForgotten, PrinterObserved, PrintersHeard

START = datetime(2026, 1, 1, tzinfo=UTC)


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
