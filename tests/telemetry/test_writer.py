"""What printers measured on its way to a real database, on the virtual clock."""

from datetime import UTC, datetime, timedelta

import pytest
import trio

from farm.actors import ChildSpec, Supervisor, WhenFull
from farm.actors.supervisor import Runtime
from farm.domain.printer import Operation, PrinterStatus, Temperature
from farm.drivers.base import Fan, LineStatistics, LoadedFile, Reading
from farm.errors import StorageFull
from farm.store import curves
from farm.store.connection import TELEMETRY
from farm.store.curves import Level
from farm.store.database import Database
from farm.store.readings import TEMPERATURE
from farm.telemetry import writer
from farm.telemetry.actor import Telemetry, TelemetryParts
from farm.telemetry.messages import PrinterForgotten, PrinterObserved
from farm.telemetry.writer import MB, Keeping

START = datetime(2026, 1, 1, tzinfo=UTC)


def nobody():
    raise AssertionError("nobody listens")


class Bench:
    """A data processor, and a clock that a test may set."""

    def __init__(self, address, telemetry, database):
        self.address = address
        self.telemetry = telemetry
        self.database = database
        self.begun = trio.current_time()
        self.set_by = timedelta()

    def clock(self):
        return START + timedelta(seconds=trio.current_time() - self.begun) + self.set_by

    def see(self, printer="mk4", tool0=200.0, bed=60.0, **more):
        heaters = {"tool0": Temperature(tool0, 210.0), "bed": Temperature(bed, 60.0)}
        reading = Reading(True, Operation.IDLE, temperatures=heaters, **more)
        at = self.clock().timestamp()
        self.address.tell_nowait(PrinterObserved(printer, at, trio.current_time(), reading, PrinterStatus()))

    async def curve(self, channel, start=START, for_s=3600.0, step_s=1):
        since = start.timestamp()
        found = await self.database.read(curves.of_printer, "mk4", since, since + for_s, step_s, {channel})
        return [point.last for curve in found.curves for point in curve.points]

    async def rows(self, level):
        return await self.database.read(
            lambda db: db.execute(f"SELECT count(*) FROM {level.table(TEMPERATURE)}").fetchone()[0]
        )


@pytest.fixture
async def bench(autojump_clock, keeping):
    database = Database(None, TELEMETRY, inline=True)
    found = Bench(None, None, database)
    found.telemetry = Telemetry(TelemetryParts(database, found.clock, nobody, keeping=keeping))
    async with database.running(), Supervisor(Runtime()).running() as supervisor:
        found.address = await supervisor.start(
            ChildSpec(
                name="telemetry",
                run=found.telemetry.run,
                mailbox_size=1000,
                when_full=WhenFull.DROP_OLDEST,
            )
        )
        yield found


@pytest.fixture
def keeping():
    return Keeping(raw_s=900.0)


async def test_readings_are_written_in_batches_and_old_ones_forgotten(autojump_clock, bench):
    for second in range(60):
        bench.see(tool0=200.0 + second, bed=None)
        await trio.sleep(1)
    await trio.sleep(6)

    assert await bench.curve("tool0") == [200.0 + second for second in range(60)]
    assert await bench.curve("bed") == []
    assert await bench.rows(Level.MINUTE) == 1

    await trio.sleep(1600)
    assert await bench.rows(Level.RAW) == 0
    assert await bench.curve("tool0") == [259.0]  # of its minute


async def test_all_else_that_is_measured_is_kept_when_it_changes(autojump_clock, bench):
    for second in range(120):
        bench.see(
            file=LoadedFile("a.gcode", progress=second // 60 / 2, layer=3),
            line=LineStatistics(second, 0),
            fans={"fan": Fan(0.5, 3000.0)},
            duty={"tool0": float("nan")},
            load={"mcu": 0.1},
        )
        await trio.sleep(1)
    await trio.sleep(6)

    assert 20 <= len(await bench.curve("sent")) <= 30  # each time something is written
    for channel, values in (
        ("progress", [0.0, 0.5]),
        ("layer", [3.0]),
        ("resent", [0.0]),
        ("fan.fan", [0.5]),
        ("rpm.fan", [3000.0]),
        ("load.mcu", [0.1]),
        ("duty.tool0", []),
    ):
        told = await bench.curve(channel)
        assert sorted(set(told)) == values
        assert len(told) <= 4  # though it was told 120 times


async def test_what_the_disk_refuses_waits_and_is_counted_when_it_is_too_much(
    autojump_clock, bench, monkeypatch
):
    monkeypatch.setattr(writer, "MOST_AT_ONCE", 7)
    write, refuses = bench.database.write, True

    async def maybe(op, *args):
        if refuses:
            await trio.lowlevel.checkpoint()
            raise StorageFull("no room")
        return await write(op, *args)

    monkeypatch.setattr(bench.database, "write", maybe)
    for second in range(20):
        bench.see(tool0=float(second), bed=None)
        await trio.sleep(1)
    await trio.sleep(6)
    assert await bench.curve("tool0") == []

    refuses = False
    await trio.sleep(6)
    assert await bench.curve("tool0") == [float(second) for second in range(20)]
    assert bench.telemetry.kept().dropped == 0


async def test_readings_for_which_there_is_no_room_are_counted(autojump_clock, bench, monkeypatch):
    bench.telemetry._writer._unwritten.extend([None] * writer.MOST_WAITING)
    bench.see()
    await trio.sleep(0.5)
    assert bench.telemetry.kept().dropped == 2


async def test_a_printer_that_tells_ever_new_channels_takes_no_more_room(autojump_clock, bench, monkeypatch):
    monkeypatch.setattr(writer, "MOST_CHANNELS", 3)
    for number in range(5):
        bench.see(load={f"board{number}": 0.1})
    bench.see(load={"board0": 0.2})
    await trio.sleep(6)
    assert await bench.curve("load.board0") == [0.2]
    assert await bench.curve("load.board2") == [0.1]
    assert await bench.curve("load.board4") == []


async def test_a_clock_that_is_set_takes_nothing_away_for_an_hour(autojump_clock, bench):
    bench.see()
    await trio.sleep(70)
    bench.set_by = timedelta(days=3)
    await trio.sleep(1800)
    assert await bench.rows(Level.RAW) == 2
    bench.set_by = timedelta()
    await trio.sleep(300)
    assert await bench.rows(Level.RAW) == 2
    bench.see()  # and what is read now goes on in time
    await trio.sleep(2 * 3600)
    assert await bench.rows(Level.RAW) == 0


async def test_a_printer_that_left_leaves_nothing_behind_in_memory(autojump_clock, bench):
    bench.see(line=LineStatistics(1, 1))
    await trio.sleep(6)
    assert bench.telemetry._writer._written
    bench.address.tell_nowait(PrinterForgotten("mk4"))
    await trio.sleep(1)
    assert not bench.telemetry._writer._written
    assert not bench.telemetry._writer._metrics


@pytest.mark.parametrize("keeping", [Keeping(size=MB // 2)])
async def test_a_history_without_room_says_what_is_kept_for_less_time(autojump_clock, bench):
    assert bench.telemetry.kept().words == ""
    for _ in range(4 * 3600):
        bench.see()
        await trio.sleep(1)
    await trio.sleep(600)

    words = bench.telemetry.kept().words
    assert words.startswith(
        "the readings take all of their 0 MB ([processing] history_size_mb): single readings"
    )
    assert "h instead of 24.0 h" in words
    assert 0 < await bench.rows(Level.RAW) < 8 * 3600
    assert await bench.rows(Level.HOUR) == 8  # of two heaters
